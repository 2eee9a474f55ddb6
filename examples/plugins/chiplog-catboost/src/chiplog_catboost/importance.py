"""The plot of the feature importance."""

from __future__ import annotations

import io

SHOWN = 30


def draw_importance(scores: dict[str, float]) -> bytes:
    """A bar chart of the largest scores, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    largest = sorted(scores.items(), key=lambda item: item[1])[-SHOWN:]
    figure = Figure(figsize=(7, 1 + 0.25 * len(largest)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.barh([name for name, _ in largest], [score for _, score in largest])
    axes.set_xlabel("importance")
    axes.set_title("Feature importance")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
