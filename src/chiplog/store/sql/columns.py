"""Points as columns, and what a metric's summary says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.store.sql import doubles
from chiplog.store.sql.summaries import Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Columns:
    """Points as columns: int64 steps, int64 millisecond timestamps, float64 values; shape (n,)."""

    steps: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, which: Any) -> Columns:
        return Columns(self.steps[which], self.times[which], self.values[which])


def concatenate(parts: Sequence[Columns]) -> Columns:
    """The points of all parts, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Columns(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
    return Columns(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def summarize(columns: Columns, context: int) -> Summary:
    """The summary of points in one context; at least one."""
    count = len(columns)
    at = _latest(columns) if count > 1 else 0
    latest = doubles.encode(float(columns.values[at]))
    step, time = int(columns.steps[at]), int(columns.times[at])
    if count == 1:
        return Summary(latest, step, time, context)
    values = columns.values
    nan = np.isnan(values)
    low = int(np.argmin(np.where(nan, np.inf, values)))
    high = int(np.argmax(np.where(nan, -np.inf, values)))
    if nan[low] or nan[high]:  # nothing but NaNs, or NaNs before infinities
        numbers = np.flatnonzero(~nan)
        if not len(numbers):
            return Summary(latest, step, time, context, count, 0, latest, 0, latest, 0)
        low = int(numbers[np.argmin(values[numbers])])
        high = int(numbers[np.argmax(values[numbers])])
    return Summary(
        latest,
        step,
        time,
        context,
        count,
        0,
        doubles.encode(float(values[low])),
        int(columns.steps[low]),
        doubles.encode(float(values[high])),
        int(columns.steps[high]),
    )


def _latest(columns: Columns) -> int:
    """Where the greatest (step, time, value) is, the last one of equals."""
    among = np.flatnonzero(columns.steps == columns.steps.max())
    if len(among) > 1:
        times = columns.times[among]
        among = among[times == times.max()]
    if len(among) > 1:
        values = columns.values[among]
        values = np.where(np.isnan(values), 0.0, values)
        among = among[values == values.max()]
    return int(among[-1])
