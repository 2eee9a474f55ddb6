"""Runs side by side, for people."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from rich.text import Text

from chiplog.cli.lookup import short_ids
from chiplog.cli.render.curves import sparkline
from chiplog.cli.render.numbers import change, number, plural
from chiplog.cli.render.table import Column, Table
from chiplog.cli.render.text import printable, shorten, width_of
from chiplog.cli.render.times import relative
from chiplog.cli.runs.curves import read_curves
from chiplog.cli.runs.view import importance, status_text, took
from chiplog.cli.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.entities import Run
    from chiplog.core.stores import TrackingStore

KEY_WIDTH = 18
RUN_WIDTH = 13
MOST_CURVES = 4
CURVE_WIDTH = 60

_HIGHER = re.compile(r"acc|auc|f1|precision|recall|r2|score|roc|iou|bleu|map", re.IGNORECASE)
_LOWER = re.compile(r"loss|err|mse|mae|rmse|perplexity|deviance|inertia", re.IGNORECASE)


class Comparison:
    """Prints runs side by side; as many beside each other as fit, the others below."""

    def __init__(self, store: TrackingStore, runs: list[Run], *, everything: bool) -> None:
        self.store = store
        self.runs = runs
        self.everything = everything
        self.out = terminal()
        self.same = 0
        self.short = short_ids([run.info.run_id for run in runs])

    def show(self) -> None:
        """Print the tables and the curves."""
        room = max(1, (self.out.width - KEY_WIDTH) // (RUN_WIDTH + 2))
        for start in range(0, len(self.runs), room):
            if start:
                self.out.print("")
            self._table(self.runs[start : start + room])
        if self.same:
            self.out.note(f"{plural(self.same, 'parameter')} the same in all (--all)")
        self._curves()

    def _table(self, runs: list[Run]) -> None:
        two = len(self.runs) == 2
        table = Table(
            [
                Column("", shrink=KEY_WIDTH, style="dim"),
                *(
                    Column(self.short[run.info.run_id], right=True, shrink=RUN_WIDTH)
                    for run in runs
                ),
                *([Column("CHANGE", right=True, style="dim")] if two else []),
            ]
        )
        end = [""] if two else []
        table.add(
            "name", *(Text(printable(r.info.run_name or ""), style="bold") for r in runs), *end
        )
        table.add("status", *(status_text(run.info) for run in runs), *end)
        table.add("started", *(relative(run.info.start_time) for run in runs), *end)
        table.add("took", *(took(run.info) for run in runs), *end)
        self._metric_rows(table, runs, two=two)
        self._param_rows(table, runs, end)
        self.out.table(table)

    def _metric_rows(self, table: Table, runs: list[Run], *, two: bool) -> None:
        keys = sorted({key for run in self.runs for key in run.data.metrics})
        keys.sort(key=lambda key: key.startswith("system/"))
        if keys:
            _heading(table, "METRICS")
        for key in keys:
            values = [run.data.metrics.get(key) for run in self.runs]
            best = _best(key, values)
            cells = []
            for run in runs:
                value = run.data.metrics.get(key)
                style = "bold green" if value is not None and value == best else ""
                cells.append(Text("" if value is None else number(value), style=style))
            first, last = values[0], values[-1]
            difference = "" if first is None or last is None else change(first, last)
            table.add(key, *cells, *([difference] if two else []))

    def _param_rows(self, table: Table, runs: list[Run], end: list[str]) -> None:
        keys = sorted({key for run in self.runs for key in run.data.params})
        rows = {key: [run.data.params.get(key) for run in self.runs] for key in keys}
        differing = [key for key, row in rows.items() if any(value != row[0] for value in row)]
        shown = keys if self.everything else differing
        self.same = len(keys) - len(shown)
        if shown:
            _heading(table, "PARAMETERS" if self.everything else "PARAMETERS THAT DIFFER")
        for key in shown:
            table.add(key, *(run.data.params.get(key, "") for run in runs), *end)

    def _curves(self) -> None:
        """Print a line for each run and metric, the runs of a metric on one scale."""
        keys = self._curved()
        if not keys:
            return
        names = [run.info.run_name or self.short[run.info.run_id] for run in self.runs]
        label = min(max(map(width_of, names)), 24)
        width = min(self.out.width - label - 28, CURVE_WIDTH)
        self.out.title("Curves, each metric on one scale")
        for key in keys[:MOST_CURVES]:
            self.out.print(Text("  ").append(printable(key), style="bold"))
            drawn = [
                (
                    name,
                    [
                        p
                        for curve in read_curves(self.store, run.info.run_id, key)
                        for p in curve.points
                    ],
                )
                for name, run in zip(names, self.runs, strict=True)
            ]
            finite = [v for _, points in drawn for _, v in points if math.isfinite(v)]
            bounds = (min(finite), max(finite)) if finite else None
            for name, points in drawn:
                if not points:
                    continue
                shown = shorten(printable(name), label)
                padding = " " * (label - width_of(shown) + 2)
                line = Text("    ").append(shown + padding, style="dim")
                line.append(
                    sparkline(points, width, self.out.characters, bounds), style="not dim cyan"
                )
                ends = [number(value, 4) for _, value in (points[0], points[-1])]
                line.append(f"  {' to '.join(ends if len(points) > 1 else ends[:1])}", style="dim")
                self.out.print(line)
        if len(keys) > MOST_CURVES:
            self.out.note(
                f"  and {len(keys) - MOST_CURVES} more: chiplog runs show RUN --metric NAME"
            )

    def _curved(self) -> list[str]:
        """The metrics that have a curve in at least one of the runs."""
        keys: dict[str, None] = {}
        for run in self.runs:
            for summary in self.store.get_metric_summaries(run.info.run_id):
                if summary.count > 1:
                    keys[summary.key] = None
        return sorted(keys, key=importance)


def _heading(table: Table, text: str) -> None:
    table.add(Text(text, style="bold"), *[""] * (len(table.columns) - 1))


def _best(key: str, values: Sequence[float | None]) -> float | None:
    """The best of the values, where the metric's name tells which way is better."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    if len(known) < 2 or min(known) == max(known):
        return None
    if _LOWER.search(key) and not key.lower().startswith("neg"):
        return min(known)
    return max(known) if _HIGHER.search(key) else None
