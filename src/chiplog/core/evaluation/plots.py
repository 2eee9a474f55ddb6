"""The pictures of an evaluation, drawn from a few numbers.

matplotlib is used through its objects alone: no pyplot, so no backend, figure or style of the
user's is touched.
"""

from __future__ import annotations

import functools
import importlib.util
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_POINTS: Final = 1000
_MAX_LABELS: Final = 30
_MAX_WRITTEN: Final = 12
_MAX_TEXT: Final = 20
_MAX_INSIDE: Final = 3
_DPI: Final = 80
_TICKS: Final = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Line:
    """One curve: its points, and what the legend calls it."""

    x: Floats
    y: Floats
    label: str


def can_draw() -> bool:
    """Whether matplotlib is installed; does not import it."""
    return importlib.util.find_spec("matplotlib") is not None


def thinned(count: int) -> npt.NDArray[np.intp]:
    """Positions spread evenly over ``count`` points, a thousand at most, both ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, _POINTS)).astype(np.intp))


def draw_confusion(shares: Floats, classes: list[str]) -> bytes:
    """A confusion matrix, each row normalised, as PNG."""
    count = len(classes)
    names = [_drawable(shortened(name)) for name in classes]
    roomy = max(map(len, names), default=0) > 3
    figure, axes = _axes(max(4.0, min(10.0, 2.0 + 0.5 * count)), roomy=roomy)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="Predicted label", ylabel="True label", title="Normalized confusion matrix")
    if count <= _MAX_LABELS:
        wide = count * max(map(len, names)) > 40
        turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if wide else {}
        axes.set_xticks(range(count), names, **turned)
        axes.set_yticks(range(count), names)
    if count <= _MAX_WRITTEN:  # beyond, the colours say more than small numbers
        for row, line in enumerate(shares.tolist()):
            for column, share in enumerate(line):
                if share < 0.005:
                    continue
                color = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=color)
    return _png(figure)


def draw_roc(lines: Sequence[Line]) -> bytes:
    """ROC curves, false positive rates against true ones, as PNG."""
    figure, axes = _axes(5.0)
    for line in lines:
        axes.plot(line.x, line.y, label=_entry(line.label))
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", linewidth=1)
    axes.set(xlabel="False positive rate", ylabel="True positive rate", title="ROC curve")
    axes.set(xticks=_TICKS, yticks=_TICKS)
    _legend(axes, lines, "lower right")
    return _png(figure)


def draw_precision_recall(lines: Sequence[Line]) -> bytes:
    """Precision-recall curves, recall against precision, as PNG."""
    figure, axes = _axes(5.0)
    for line in lines:
        axes.plot(line.x, line.y, drawstyle="steps-pre", label=_entry(line.label))
    axes.set(xlabel="Recall", ylabel="Precision", title="Precision-recall curve")
    axes.set(xticks=_TICKS, yticks=_TICKS, ylim=(0, 1.05))
    _legend(axes, lines, "lower left")
    return _png(figure)


def draw_lift(lines: Sequence[Line]) -> bytes:
    """Lift curves, as PNG: how much denser a class is among the rows it is likeliest for."""
    figure, axes = _axes(5.0)
    for line in lines:
        axes.plot(line.x, line.y, label=_entry(line.label))
    axes.axhline(1, linestyle="--", color="grey", linewidth=1)
    axes.set(xlabel="Share of the rows, likeliest first", ylabel="Lift", title="Lift curve")
    axes.set(xlim=(0, 1), ylim=(0, None))
    _legend(axes, lines, "upper right")
    return _png(figure)


def draw_calibration(lines: Sequence[Line]) -> bytes:
    """Calibration curves, predicted probabilities against shares found, as PNG."""
    figure, axes = _axes(5.0)
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", linewidth=1)
    for line in lines:
        axes.plot(line.x, line.y, marker="o", markersize=4, label=_entry(line.label))
    axes.set(xlabel="Mean predicted probability", ylabel="Share that is so")
    axes.set(title="Calibration curve", xticks=_TICKS, yticks=_TICKS, xlim=(-0.02, 1.02))
    axes.set(ylim=(-0.02, 1.02))
    _legend(axes, lines, "upper left")
    return _png(figure)


def draw_importance(title: str, names: Sequence[str], values: Floats) -> bytes:
    """Bars of one number for each of some features, the longest above, as PNG."""
    order = np.argsort(values)[::-1][:_MAX_LABELS]
    height = max(2.5, 1.5 + 0.3 * len(order))
    figure, axes = _axes(height, width=7.0, roomy=True)
    rows = range(len(order))
    axes.barh(rows, values[order])
    axes.set_yticks(rows, [_drawable(shortened(names[at])) for at in order])
    axes.invert_yaxis()
    axes.set(title=title)
    return _png(figure)


def shortened(text: str) -> str:
    """A text that fits beside an axis."""
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def _drawable(text: str) -> str:
    """A text as it stands: no formula, and a box for what the font has no sign for."""
    known = _signs()
    return "".join("\\$" if sign == "$" else sign if ord(sign) in known else "□" for sign in text)


def _entry(label: str) -> str:
    """A text for the legend, which leaves out those that are empty or begin with ``_``."""
    shown = _drawable(label)
    return shown if shown and not shown.startswith("_") else f" {shown}"


def _signs() -> frozenset[int]:
    """The signs of the font that is drawn with."""
    from matplotlib.font_manager import FontProperties, findfont

    return _signs_of(findfont(FontProperties()))


@functools.lru_cache(maxsize=8)
def _signs_of(font: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(font).get_charmap())


def _legend(axes: Any, lines: Sequence[Line], place: str) -> None:
    """The lines' names, inside where there is room, else beside the plot."""
    if len(lines) <= _MAX_INSIDE:
        axes.legend(loc=place)
        return
    axes.figure.set_layout_engine("constrained")
    axes.figure.legend(loc="outside right upper", fontsize="small")


def _axes(inches: float, *, width: float | None = None, roomy: bool = False) -> tuple[Any, Any]:
    """A figure and its axes. Room for long names doubles the time it takes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(width or inches + 1, inches), dpi=_DPI, layout="constrained" if roomy else None
    )
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.canvas.print_png(buffer, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()
