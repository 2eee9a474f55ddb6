"""A curve with its axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.text import Text

from chiplog.cli.render.curves import ASCII, UNICODE, Characters, Points, curve
from chiplog.cli.render.numbers import number

if TYPE_CHECKING:
    from collections.abc import Sequence

CURVE_STYLE = "cyan"


def chart(points: Points, width: int, height: int, characters: Characters = UNICODE) -> list[Text]:
    """A curve with its largest and smallest value at the left and its steps below."""
    finite = [value for _, value in points if math.isfinite(value)]
    if not finite:
        kinds = sorted({number(value) for _, value in points})
        return [Text(f"no finite value: every point is {' or '.join(kinds)}", style="dim")]
    top, bottom = number(max(finite), 4), number(min(finite), 4)
    labels = [top, *[""] * (height - 2), bottom] if height > 1 else [top]
    if top == bottom:  # a constant: its one value stands where it is drawn
        labels = ["" if row != height // 2 else top for row in range(height)]
    margin = max(map(len, labels))
    vertical, corner = ("│", "└") if characters is not ASCII else ("|", "+")
    drawn = curve(points, max(width - margin - 2, 4), height, characters)
    lines = []
    for label, row in zip(labels, drawn, strict=True):
        line = Text(f"{label:>{margin}} {vertical}", style="dim")
        lines.append(line.append(row, style=f"not dim {CURVE_STYLE}"))
    steps = sorted(step for step, _ in points)
    span = max(map(len, drawn))
    lines.append(Text(f"{'':>{margin}} {corner}{_axis(steps, span, characters)}", style="dim"))
    return lines


def _axis(steps: Sequence[float], span: int, characters: Characters) -> str:
    """The first and the last step at the ends of a line."""
    dash = "─" if characters is not ASCII else "-"
    first, last = number(steps[0], 9), number(steps[-1], 9)
    if first == last or span < len(first) + len(last) + 3:
        return f" {first}" if first == last else f" {first} to {last}"
    return f" {first} {dash * (span - len(first) - len(last) - 3)} {last}"
