"""A batch of records, applied in one transaction.

Records change the states of their runs in memory, in order; then everything is written table by
table. What cannot be applied becomes a :class:`Refused`; the rest stays. Should the database refuse
a value all the same, the batch is applied once more, record by record, to find out which.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from chiplog.core import records
from chiplog.core.errors import ChiplogError
from chiplog.core.records import Refused
from chiplog.store.sql import cursors, failures
from chiplog.store.sql.fields import Fields
from chiplog.store.sql.models import record_model
from chiplog.store.sql.points import LONG_SERIES, compact_ended
from chiplog.store.sql.runstate import RunStates
from chiplog.store.sql.runwriter import RunsWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.records import Batch, Record, SeriesPoints
    from chiplog.store.sql.engine import Database, Transaction
    from chiplog.store.sql.fields import FieldMemory
    from chiplog.store.sql.places import Places

_NOT_OF_RUNS: Final = (records.Series, records.ModelRecorded)

_DATA_ERRORS: Final = (
    sa.exc.SQLAlchemyError,
    sqlite3.Error,
    ValueError,
    TypeError,
    ArithmeticError,
)


def apply(database: Database, memory: FieldMemory, places: Places, batch: Batch) -> list[Refused]:
    """Apply a batch and remember its end; raises StaleCursor if it is not the journal's next."""
    try:
        return _apply(database, memory, places, batch, _all_at_once)
    except ChiplogError:
        raise
    except _DATA_ERRORS:
        return _apply(database, memory, places, batch, _one_by_one)


def _apply(
    database: Database, memory: FieldMemory, places: Places, batch: Batch, how: _How
) -> list[Refused]:
    def work(tx: Transaction) -> tuple[Fields, list[Refused]]:
        fields = Fields(memory, tx)
        cursors.advance(tx, batch)
        return fields, how(_Applier(tx, fields, places, batch.journal_id), batch)

    fields, refused = database.write(work)
    fields.committed()
    return refused


def _all_at_once(applier: _Applier, batch: Batch) -> list[Refused]:
    return applier.apply(batch.records, batch.points)


def _one_by_one(applier: _Applier, batch: Batch) -> list[Refused]:
    """The same, each in a savepoint of its own; what the database refuses is left out.

    Raises what is wrong with the database itself, such as a full disk: nothing is left out for it.
    """
    refused: list[Refused] = []
    singles: list[tuple[str, list[Record], list[SeriesPoints]]] = [
        (record.run_id, [record], []) for record in batch.records
    ]
    singles += [(points.series.run_id, [], [points]) for points in batch.points]
    for run_id, some_records, some_points in singles:
        savepoint = applier.tx.connection.begin_nested()
        try:
            refused += applier.apply(some_records, some_points)
            savepoint.commit()
        except _DATA_ERRORS as error:
            if not failures.is_about_data(error):
                raise
            savepoint.rollback()
            applier.fields.rolled_back()
            what = type(some_records[0]).__name__ if some_records else "metric points"
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            refused.append(Refused(run_id, what, reason))
    return refused


if TYPE_CHECKING:
    from collections.abc import Callable

    _How = Callable[["_Applier", Batch], list[Refused]]


class _Applier:
    """Applies records inside a transaction."""

    def __init__(self, tx: Transaction, fields: Fields, places: Places, journal_id: str) -> None:
        self.tx = tx
        self.fields = fields
        self._places = places
        self._journal_id = journal_id

    def apply(
        self, some_records: Sequence[Record], some_points: Sequence[SeriesPoints]
    ) -> list[Refused]:
        """Apply records, then points; what was refused."""
        states = RunStates(self.tx)
        states.load(
            {record.run_id for record in some_records if not isinstance(record, _NOT_OF_RUNS)}
            | {points.series.run_id for points in some_points}
        )
        for record in some_records:
            if not isinstance(record, _NOT_OF_RUNS):
                states.take(record)
        accepted = [points for points in some_points if states.accepts_points(points)]
        writer = RunsWriter(self.tx, self.fields, self._journal_id)
        writer.write(states)
        writer.write_points(states, accepted)
        brought = sum(len(points) for points in accepted)
        compact_ended(self.tx, states.ended(among_new=brought >= LONG_SERIES))
        for record in some_records:
            if isinstance(record, records.ModelRecorded):
                record_model(self.tx, self._places, record)
        return states.refused
