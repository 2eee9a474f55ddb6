"""A run's metrics as curves, read as many points as a terminal can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from chiplog.cli.render.charts import chart
from chiplog.cli.render.numbers import count, number, plural
from chiplog.cli.render.text import printable

if TYPE_CHECKING:
    from chiplog.cli.render.curves import Points
    from chiplog.cli.terminal import Terminal
    from chiplog.core.entities import MetricSummary
    from chiplog.core.records import Series, SeriesPoints
    from chiplog.core.stores import TrackingStore

POINTS = 2000
HEIGHT = 4
WIDEST = 100


@dataclass(frozen=True)
class Curve:
    """One series, ready to be drawn; ``by_step`` is False if all its points have the same step."""

    label: str
    points: Points
    by_step: bool


def read_curves(store: TrackingStore, run_id: str, key: str) -> list[Curve]:
    """The curves of a metric: one for each model and data set it was measured with."""
    return [
        _curve(series)
        for series in store.get_sampled_points(run_id, key, POINTS)
        if len(series) > 0
    ]


def show_curve(out: Terminal, summary: MetricSummary, curve: Curve, height: int = HEIGHT) -> None:
    """Print a curve below a line that sums it up."""
    head = Text("  ").append(printable(curve.label), style="bold")
    facts = f"  last {number(summary.latest)}, {plural(summary.count, 'point')}"
    if not curve.by_step:
        facts += " of one step, in the order recorded"
    elif summary.min < summary.max:
        facts += f", min at step {count(summary.min_step)}, max at {count(summary.max_step)}"
    out.wrapped(head.append(facts, style="not bold dim"), 4)
    width = min(out.width, WIDEST) - 4
    for line in chart(curve.points, width, height, out.characters):
        out.print(Text("  ") + line)


def _curve(points: SeriesPoints) -> Curve:
    steps, values = points.steps.tolist(), points.values.tolist()
    by_step = len(set(steps)) > 1
    return Curve(
        _label(points.series),
        list(zip(steps if by_step else range(len(values)), values, strict=True)),
        by_step or len(values) == 1,
    )


def _label(series: Series) -> str:
    beside = [part for part in (series.dataset_name, series.model_id) if part]
    return f"{series.key} ({', '.join(beside)})" if beside else series.key
