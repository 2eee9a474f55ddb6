"""What is said about repeated measurements: the median, the spread, the ratio."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of one thing, in the order in which they were made."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("A sample needs at least one measurement.")

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """The sample of these measurements."""
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle value: what one bad round cannot move."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half the range between the quartiles, as a part of the median; 0.0 for one value."""
        if len(self.values) < 2 or self.median == 0:
            return 0.0
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return (high - low) / 2 / abs(self.median)

    def times(self, other: Sample) -> float:
        """How many times this sample's median is the other's; infinite if that is zero."""
        return self.median / other.median if other.median else float("inf")
