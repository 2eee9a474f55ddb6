"""Writes into a store under test, as a journal's delivery does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.records import (
    Batch,
    ParamsLogged,
    RunStarted,
    RunUpdated,
    Series,
    SeriesPoints,
    TagsSet,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from chiplog.core.entities import Run
    from chiplog.core.records import Record, Refused
    from chiplog.core.stores import TrackingStore

START = 1_700_000_000_000
"""When the runs of the kit start: milliseconds since the epoch."""


class Pen:
    """Applies batches of one journal, each where the one before ended."""

    def __init__(self, store: TrackingStore, journal_id: str = "journal") -> None:
        self.store = store
        self.journal_id = journal_id
        self.position = 0
        self._runs = 0

    def write(self, *records: Record, points: Iterable[SeriesPoints] = ()) -> list[Refused]:
        """Apply records and points as the journal's next batch."""
        end = self.position + 32 * (len(records) + 1)
        batch = Batch(self.journal_id, self.position, end, list(records), list(points))
        refused = self.store.apply(batch)
        self.position = end
        return refused

    def run(
        self,
        *,
        experiment_id: str = "0",
        name: str = "",
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        metrics: dict[str, float] | None = None,
        status: str | None = "FINISHED",
    ) -> str:
        """Start a run, record in it, end it unless ``status`` is None; its id.

        Each run starts a second after the one before.
        """
        self._runs += 1
        run_id = f"{self.journal_id}{self._runs:04}"
        start = START + 1000 * self._runs
        records: list[Record] = [
            RunStarted(
                run_id,
                experiment_id=experiment_id,
                user_id="ada",
                start_time=start,
                name=name or run_id,
            )
        ]
        if params:
            records.append(ParamsLogged(run_id, params=params))
        if tags:
            records.append(TagsSet(run_id, tags=tags))
        if status:
            records.append(RunUpdated(run_id, status=status, end_time=start + 500))
        points = [
            columns(run_id, key, [0], [start], [value]) for key, value in (metrics or {}).items()
        ]
        assert self.write(*records, points=points) == []
        return run_id


def columns(
    run_id: str,
    key: str,
    steps: Any,
    timestamps: Any,
    values: Any,
    **context: str,
) -> SeriesPoints:
    """Points of a series from three sequences of the same length."""
    return SeriesPoints(
        Series(run_id, key=key, **context),  # type: ignore[arg-type]
        np.asarray(steps, np.int64),
        np.asarray(timestamps, np.int64),
        np.asarray(values, np.float64),
    )


def bits(values: Any) -> list[int]:
    """The bit patterns of doubles: what tells -0.0 from 0.0 and one NaN from another."""
    return list(np.atleast_1d(np.asarray(values, np.float64)).view(np.uint64).tolist())


def ids(runs: Sequence[Run]) -> list[str]:
    """The ids of runs, in order."""
    return [run.info.run_id for run in runs]


class Behaviour:
    """What all parts of the kit share."""

    def open_store(self, tmp_path: Path) -> TrackingStore:
        """Open an empty store, with anything it needs below ``tmp_path``."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterable[TrackingStore]:
        """The store under test."""
        store = self.open_store(tmp_path)
        yield store
        store.close()

    @pytest.fixture
    def pen(self, store: TrackingStore) -> Pen:
        """A pen that writes into it."""
        return Pen(store)
