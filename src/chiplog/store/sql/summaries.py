"""A metric of a run in a line, brought up to date as points arrive."""

from __future__ import annotations

from typing import Final

from chiplog.store.sql import doubles

COLUMNS: Final = (
    "latest",
    "latest_step",
    "latest_time",
    "context",
    "count",
    "hot",
    "min",
    "min_step",
    "max",
    "max_step",
)
"""The columns of a summary in the table ``metrics``, in the order of the attributes."""


class Summary:
    """The latest, smallest and largest point of a metric; values as in :mod:`.doubles`."""

    __slots__ = COLUMNS

    def __init__(
        self,
        latest: int,
        latest_step: int,
        latest_time: int,
        context: int = 0,
        count: int = 1,
        hot: int = 0,
        min: int | None = None,  # noqa: A002 - the column's name
        min_step: int = 0,
        max: int | None = None,  # noqa: A002 - the column's name
        max_step: int = 0,
    ) -> None:
        self.latest = latest
        self.latest_step = latest_step
        self.latest_time = latest_time
        self.context = context
        self.count = count
        self.hot = hot
        self.min = latest if min is None else min
        self.max = latest if max is None else max
        number = doubles.is_number(latest)
        self.min_step = latest_step if min is None and number else min_step
        self.max_step = latest_step if max is None and number else max_step

    def row(self) -> tuple[int, ...]:
        """The values of :data:`COLUMNS`."""
        return (
            self.latest,
            self.latest_step,
            self.latest_time,
            self.context,
            self.count,
            self.hot,
            self.min,
            self.min_step,
            self.max,
            self.max_step,
        )

    def copy(self) -> Summary:
        """Another one with the same content."""
        return Summary(*self.row())

    def add(self, other: Summary) -> None:
        """Take in the summary of points that came later."""
        if other.position() >= self.position():
            self.latest = other.latest
            self.latest_step = other.latest_step
            self.latest_time = other.latest_time
            self.context = other.context
        self.count += other.count
        if not doubles.is_number(other.min):
            return
        first = not doubles.is_number(self.min)
        if first or other.min < self.min:
            self.min, self.min_step = other.min, other.min_step
        if first or other.max > self.max:
            self.max, self.max_step = other.max, other.max_step

    def position(self) -> tuple[int, int, int]:
        """What decides which of two points is the later: step, time, value; NaN counts as 0."""
        value = self.latest if doubles.is_number(self.latest) else doubles.ZERO
        return self.latest_step, self.latest_time, value
