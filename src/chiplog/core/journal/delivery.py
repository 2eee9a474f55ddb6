"""Delivering one journal to a store, batch by batch, exactly once."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from chiplog.core.errors import StoreError, StoreUnavailable
from chiplog.core.journal import format as form
from chiplog.core.records import Batch, Record, SeriesPoints
from chiplog.core.stores import StaleCursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt

    from chiplog.core.records import Refused, Series
    from chiplog.core.stores import TrackingStore

_log = logging.getLogger("chiplog.journal")

BATCH_BYTES: Final = 1 << 22
TRIES: Final = 3
"""How often an error of an unknown kind is met before the batch is taken to be its reason."""


class Stretch(msgspec.Struct):
    """What a stretch of a journal holds: positions ``first`` to ``last``, in bytes."""

    first: int
    last: int
    items: int
    records: list[Record]
    points: list[SeriesPoints]


class Source(Protocol):
    """A journal to deliver: one that is being written, or files."""

    @property
    def journal_id(self) -> str:
        """The journal's id."""

    def stretch(self, position: int, limit: int) -> Stretch | None:
        """What lies at ``position`` and after, about ``limit`` bytes; None if that is nothing."""

    def set_aside(self, stretch: Stretch, reason: str) -> None:
        """Keep the bytes of a stretch that a store will not take, and say so."""


class Delivery:
    """How far a journal has come on its way to a store.

    Attributes:
        cursor: what the store remembers of it.
        position: up to where everything was delivered or needs no delivery.
    """

    def __init__(
        self,
        source: Source,
        cursor: int = 0,
        *,
        on_applied: Callable[[Stretch], None] | None = None,
        on_refused: Callable[[list[Refused]], None] | None = None,
    ) -> None:
        self.cursor = self.position = cursor
        self._source = source
        self._on_applied = on_applied
        self._on_refused = on_refused
        self._limit = BATCH_BYTES
        self._failures = 0
        self._suspect = -1

    def step(self, store: TrackingStore) -> bool:
        """Deliver one batch; False if there was nothing to deliver.

        Raises what the store raises, unless one of the records is to blame: that one is set aside.
        """
        stretch = self._source.stretch(self.position, self._limit)
        if stretch is None:
            return False
        if stretch.records or stretch.points:
            try:
                refused = self._apply(store, stretch.last, stretch.records, stretch.points)
            except StaleCursor as stale:
                self._follow(stale)
                return True
            except Exception as error:
                if not self._is_to_blame(store, stretch, error):
                    raise
                self._narrow(store, stretch, error)
                return True
            if refused and self._on_refused:
                self._on_refused(refused)
            if self._on_applied:
                self._on_applied(stretch)
        self.position = stretch.last
        self._limit = min(self._limit * 2, BATCH_BYTES)
        if self._limit == BATCH_BYTES:
            self._failures = 0
        return True

    def _apply(
        self, store: TrackingStore, last: int, records: list[Record], points: list[SeriesPoints]
    ) -> list[Refused]:
        batch = Batch(self._source.journal_id, self.cursor, last, records, points)
        refused = store.apply(batch)
        self.cursor = last
        return refused

    def _follow(self, stale: StaleCursor) -> None:
        if stale.position == self.cursor:
            raise StoreError(
                f"The store expects position {self.cursor}, and refuses it."
            ) from stale
        self.cursor = self.position = stale.position

    def _is_to_blame(self, store: TrackingStore, stretch: Stretch, error: Exception) -> bool:
        """Whether the batch is what the store failed at, and not the store itself.

        A store that cannot be reached time and again, but only with this batch, may do better with
        a smaller one; never is a record given up for that.
        """
        if stretch.items == 1:
            if isinstance(error, StoreUnavailable):
                return False
            if stretch.first != self._suspect:
                self._suspect, self._failures = stretch.first, 0
        self._failures += 1
        if not isinstance(error, StoreError) and self._failures < TRIES:
            return False
        try:
            self._apply(store, self.cursor, [], [])
        except Exception:
            return False
        return True

    def _narrow(self, store: TrackingStore, stretch: Stretch, error: Exception) -> None:
        """Try half of the stretch next, or set aside what is left of it."""
        if stretch.items > 1:
            # A blank end counts among the bytes of a stretch, and not towards the limit.
            self._limit = max(form.SLOT, min(self._limit, stretch.last - stretch.first) // 2)
            return
        self._source.set_aside(stretch, f"{type(error).__name__}: {error}")
        self.position = stretch.last
        self._apply(store, stretch.last, [], [])


def columns_by_series(
    points: npt.NDArray[np.void],
) -> Iterator[tuple[int, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]]:
    """Number, steps, timestamps and values of each series among points, in recorded order."""
    import numpy as np

    if not len(points):
        return
    numbers = points["series"]
    if (numbers == numbers[0]).all():
        order = None
        bounds = [0, len(points)]
    else:
        # A stable sort of 16-bit numbers is a radix sort: linear.
        narrow = numbers.astype("<u2") if int(numbers.max()) < 1 << 16 else numbers
        order = np.argsort(narrow, kind="stable")
        changes = np.flatnonzero(np.diff(numbers[order])) + 1
        bounds = [0, *changes.tolist(), len(points)]
    steps, times, values = (
        np.ascontiguousarray(points[name] if order is None else points[name][order])
        for name in ("step", "timestamp", "value")
    )
    first_numbers = numbers if order is None else numbers[order]
    for first, last in pairwise(bounds):
        part = slice(first, last)
        yield int(first_numbers[first]), steps[part], times[part], values[part]


def resolve(
    points: npt.NDArray[np.void], meaning: Callable[[int], Series | None]
) -> list[SeriesPoints]:
    """Points with the numbers of their series replaced by the series; without, they stay out."""
    return [
        SeriesPoints(series, steps, times, values)
        for number, steps, times, values in columns_by_series(points)
        if (series := meaning(number)) is not None
    ]


class RefusalReporter:
    """Says once of each kind what a store refused, and counts it by run."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._said: set[str] = set()

    def __call__(self, refused: list[Refused]) -> None:
        """Report what a batch left out."""
        for entry in refused:
            self._count(entry.run_id)
            kind = entry.what.partition("'")[0].lstrip("0123456789 ")
            if kind in self._said:
                _log.debug("Refused again, run %s: %s: %s", entry.run_id, entry.what, entry.reason)
                continue
            self._said.add(kind)
            _log.warning(
                "The store refused %s of run %s: %s. Everything else was recorded; more of the "
                "kind is counted and not reported.",
                entry.what,
                entry.run_id,
                entry.reason,
            )
