"""The pictures of a classifier's training, drawn from a few numbers on the background thread.

matplotlib is used through its objects alone: no pyplot, so no backend, figure or style of the
user's is touched.
"""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from chiplog.integrations.sklearn.metrics import Curve

    Floats = npt.NDArray[np.float64]

_POINTS: Final = 1000
_MAX_LABELS: Final = 30
_MAX_WRITTEN: Final = 12
_DPI: Final = 80
_TICKS: Final = (0.0, 0.5, 1.0)


def can_draw() -> bool:
    """Whether matplotlib is installed; does not import it."""
    return importlib.util.find_spec("matplotlib") is not None


def roc_points(curve: Curve) -> tuple[Floats, Floats]:
    """False and true positive rates of a curve, at most a thousand."""
    kept = _thinned(len(curve.true))
    return curve.false[kept] / curve.false[-1], curve.true[kept] / curve.true[-1]


def precision_recall_points(curve: Curve) -> tuple[Floats, Floats, float]:
    """Recall and precision of a curve, at most a thousand each, and the average precision."""
    true, found = curve.true[1:], curve.true[1:] + curve.false[1:]
    recall = np.r_[0.0, true / curve.true[-1]]
    precision = np.r_[1.0, np.divide(true, found, out=np.zeros_like(true), where=found > 0)]
    average = float(np.sum(np.diff(recall) * precision[1:]))
    kept = _thinned(len(recall))
    return recall[kept], precision[kept], average


def _thinned(count: int) -> npt.NDArray[np.intp]:
    """Positions spread evenly over ``count`` points, both ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, _POINTS)).astype(np.intp))


def draw_confusion(shares: Floats, classes: list[str]) -> bytes:
    """A confusion matrix, each row normalised, as PNG."""
    figure, axes = _axes(max(4.0, min(10.0, 2.0 + 0.5 * len(classes))))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="Predicted label", ylabel="True label", title="Normalized confusion matrix")
    if len(classes) <= _MAX_LABELS:
        axes.set_xticks(range(len(classes)), classes, rotation=45 if len(classes) > 5 else 0)
        axes.set_yticks(range(len(classes)), classes)
    if len(classes) <= _MAX_WRITTEN:  # beyond, the colours say more than small numbers
        for row, line in enumerate(shares.tolist()):
            for column, share in enumerate(line):
                if share < 0.005:
                    continue
                color = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{share:.2f}", ha="center", va="center", color=color)
    return _png(figure)


def draw_roc(false: Floats, true: Floats, area: float) -> bytes:
    """A ROC curve as PNG."""
    figure, axes = _axes(5.0)
    axes.plot(false, true, label=f"AUC = {area:.4g}")
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", linewidth=1)
    axes.set(xlabel="False positive rate", ylabel="True positive rate", title="ROC curve")
    axes.set(xticks=_TICKS, yticks=_TICKS)
    axes.legend(loc="lower right")
    return _png(figure)


def draw_precision_recall(recall: Floats, precision: Floats, average: float) -> bytes:
    """A precision-recall curve as PNG."""
    figure, axes = _axes(5.0)
    axes.plot(recall, precision, drawstyle="steps-pre", label=f"AP = {average:.4g}")
    axes.set(xlabel="Recall", ylabel="Precision", title="Precision-recall curve")
    axes.set(xticks=_TICKS, yticks=_TICKS, ylim=(0, 1.05))
    axes.legend(loc="lower left")
    return _png(figure)


def _axes(inches: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(inches + 1, inches), dpi=_DPI)
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.canvas.print_png(buffer, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()
