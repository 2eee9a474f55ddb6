"""What the numbers of a journal's points mean: the series of the runs that are open here.

A run's series are forgotten when it ends. Who records into it later has them defined again, under
new numbers, so neither memory nor segments grow with the runs a process has been through.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Final

import msgspec

from chiplog.core.journal import format as form
from chiplog.core.records import Series

_RUNS_KEPT: Final = 256  # of which the end is never seen: client programs may log into any number
_GRACE_SECONDS: Final = 0.1  # a thread may hold a number that it has not used yet


class _Run:
    """The series of a run; ``by_key`` has those that belong to no model and no data set."""

    def __init__(self) -> None:
        self.by_key: dict[str, int] = {}
        self.by_series: dict[Series, int] = {}


class Definitions:
    """The series that have numbers. All but the reading methods want the journal's lock."""

    def __init__(self) -> None:
        self._last = 0
        self._runs: dict[str, _Run] = {}
        self._defined: dict[int, Series] = {}
        self._retired: deque[tuple[float, list[Series]]] = deque()

    def find(self, series: Series) -> int | None:
        """The number of a series, if it has one."""
        run = self._runs.get(series.run_id)
        return None if run is None else run.by_series.get(series)

    def by_key(self, run_id: str) -> dict[str, int]:
        """The numbers of a run's plain series by their keys: to be read, and empty once it ended.

        An empty one is to be asked for anew.
        """
        run = self._runs.get(run_id)
        return {} if run is None else run.by_key

    def get(self, number: int) -> Series | None:
        """The series of a number, unless its run has ended."""
        return self._defined.get(number)

    def make(self, series: Series) -> Series:
        """Give a series a number; it can be found when :meth:`publish` says so."""
        self._last += 1
        defined = msgspec.structs.replace(series, number=self._last)
        self._defined[defined.number] = defined
        return defined

    def publish(self, series: Series, number: int) -> None:
        """Let the number of a series be found: its definition is written."""
        run = self._runs.setdefault(series.run_id, _Run())
        run.by_series[series] = number
        if series == Series(series.run_id, key=series.key):
            run.by_key[series.key] = number

    def retire(self, run_id: str) -> None:
        """Forget the series of a run."""
        run = self._runs.pop(run_id, None)
        if run is not None:
            run.by_key.clear()  # a pen holds it
            numbers = run.by_series.values()
            series = [self._defined.pop(number) for number in numbers]
            self._retired.append((time.monotonic(), series))

    def prefix(self, seed: int) -> bytes:
        """The frames that a new segment begins with, so that it can be read by itself."""
        for run_id in list(self._runs)[:-_RUNS_KEPT]:
            self.retire(run_id)
        since = time.monotonic() - _GRACE_SECONDS
        while self._retired and self._retired[0][0] < since:
            self._retired.popleft()
        still_in_hand = [series for _, some in self._retired for series in some]
        return b"".join(
            form.pack_frame(form.encode_record(series), seed)
            for series in (*still_in_hand, *self._defined.values())
        )
