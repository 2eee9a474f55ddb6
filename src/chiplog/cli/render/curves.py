"""Curves in a terminal: a metric's points drawn with block characters.

A curve is drawn over the steps: every column stands for an equal stretch of them and shows the mean
of its points. Where a column holds several points, a shade reaches up to the largest. What is no
number is marked in the column it belongs to, never drawn as one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Points = Sequence[tuple[float, float]]
"""Pairs of step and value."""


@dataclass(frozen=True)
class Characters:
    """What a curve is drawn with.

    Attributes:
        levels: from almost empty to full, at the top of a column.
        shade: up to a column's largest point.
        nan: in place of a column that holds a NaN.
        high: in place of one that holds +inf.
        low: in place of one that holds -inf.
    """

    levels: str = "▁▂▃▄▅▆▇█"
    shade: str = "░"
    nan: str = "×"  # noqa: RUF001 - the sign is meant
    high: str = "↑"
    low: str = "↓"


UNICODE = Characters()
ASCII = Characters(levels="_.-=+*%#", shade=":", nan="x", high="^", low="v")


@dataclass
class Column:
    """What one column of a curve stands for."""

    smallest: float
    mean: float
    largest: float
    mark: str = ""

    def is_drawn(self) -> bool:
        """Whether it has a height."""
        return not self.mark and math.isfinite(self.mean)


def sparkline(
    points: Points,
    width: int,
    characters: Characters = UNICODE,
    bounds: tuple[float, float] | None = None,
) -> str:
    """A curve in one line of at most ``width`` cells; empty without points.

    ``bounds`` are the values of the lowest and the highest level, the curve's own unless given.
    """
    columns = resample(points, width, characters)
    low, high = bounds or _range(columns)
    return "".join(
        characters.levels[_level(column.mean, low, high, len(characters.levels)) - 1]
        if column.is_drawn()
        else column.mark
        for column in columns
    )


def curve(points: Points, width: int, height: int, characters: Characters = UNICODE) -> list[str]:
    """A curve ``height`` lines high, top line first; at most ``width`` cells wide."""
    columns = resample(points, width, characters)
    low, high = _range(columns)
    drawn = [_drawn(column, low, high, height, characters) for column in columns]
    return ["".join(cells[height - 1 - row] for cells in drawn).rstrip() for row in range(height)]


def resample(points: Points, width: int, characters: Characters = UNICODE) -> list[Column]:
    """The points as at most ``width`` columns of equal stretches of steps, gaps bridged.

    Few points make few columns, each some cells wide, so that a curve of five points is not a
    smear.
    """
    ordered = sorted(points, key=lambda point: point[0])
    if not ordered or width < 1:
        return []
    first, last = ordered[0][0], ordered[-1][0]
    steps = sorted({step for step, _ in ordered})
    if len(steps) == 1:
        return [_column([value for _, value in ordered], characters)]
    gaps = sorted(after - before for before, after in pairwise(steps))
    gap = gaps[len(gaps) // 2 - (len(gaps) % 2 == 0)]
    span = last - first + gap  # the last point is as wide as most others
    cells = max(round(span / gap), 2)
    wanted = cells * min(4, width // cells) if cells <= width else width
    bins: list[list[float]] = [[] for _ in range(wanted)]
    for step, value in ordered:
        bins[min(int((step - first) * wanted / span), wanted - 1)].append(value)
    return _bridged([_column(values, characters) if values else None for values in bins])


def _column(values: list[float], characters: Characters) -> Column:
    finite = [value for value in values if math.isfinite(value)]
    mark = ""
    if any(math.isnan(value) for value in values):
        mark = characters.nan
    elif any(value == math.inf for value in values):
        mark = characters.high
    elif any(value == -math.inf for value in values):
        mark = characters.low
    if not finite:
        return Column(math.nan, math.nan, math.nan, mark)
    mean = math.fsum(value / len(finite) for value in finite)
    return Column(min(finite), mean, max(finite), mark)


def _bridged(columns: list[Column | None]) -> list[Column]:
    """Each empty column becomes the one before it: a value holds until the next."""
    bridged: list[Column] = []
    for column in columns:
        bridged.append(column or bridged[-1])  # the first one is never empty
    return bridged


def _range(columns: list[Column]) -> tuple[float, float]:
    known = [column for column in columns if math.isfinite(column.mean)]
    if not known:
        return 0.0, 0.0
    return min(column.smallest for column in known), max(column.largest for column in known)


def _level(value: float, low: float, high: float, levels: int) -> int:
    """The height of a value, 1 to ``levels``; a constant curve lies in the middle."""
    if high == low:
        return (levels + 1) // 2
    share = (value / 2 - low / 2) / (high / 2 - low / 2)  # halves: no overflow at 1e308
    return 1 + max(0, min(int(share * levels), levels - 1))


def _drawn(
    column: Column, low: float, high: float, height: int, characters: Characters
) -> list[str]:
    """A column's characters, from the bottom up."""
    if column.mark:
        return [column.mark if row == 0 else " " for row in range(height)]
    steps = len(characters.levels)
    level = _level(column.mean, low, high, height * steps)
    reach = _level(column.largest, low, high, height * steps)
    cells = []
    for row in range(height):
        filled = level - row * steps
        if filled >= steps:
            cells.append(characters.levels[-1])
        elif filled > 0:
            cells.append(characters.levels[filled - 1])
        elif reach - row * steps > 0:
            cells.append(characters.shade)
        else:
            cells.append(" ")
    return cells
