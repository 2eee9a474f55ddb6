"""How far each journal has been delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.stores import StaleCursor
from chiplog.store.sql import schema
from chiplog.store.sql.prepared import insert, select, update

if TYPE_CHECKING:
    from chiplog.core.records import Batch
    from chiplog.store.sql.engine import Transaction

_insert = insert(schema.journals)
_update = update(schema.journals, ("position",), ("journal_id",))
_select = select(schema.journals, ("position",), ("journal_id",))
_lock = select(schema.journals, ("position",), ("journal_id",), lock=True)


def position(tx: Transaction, journal_id: str) -> int:
    """How far a journal has been delivered, in bytes since its beginning."""
    rows = tx.rows(_select, journal_id)
    return int(rows[0][0]) if rows else 0


def advance(tx: Transaction, batch: Batch) -> None:
    """Move a journal's position over a batch; raises StaleCursor if the batch is not next."""
    rows = tx.rows(_lock, batch.journal_id)
    found = int(rows[0][0]) if rows else 0
    if found != batch.first:
        raise StaleCursor(batch.journal_id, found)
    if rows:
        tx.run(_update, batch.last, batch.journal_id)
    else:
        tx.run(_insert, batch.journal_id, batch.last)
