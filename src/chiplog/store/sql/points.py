"""Metric points: fresh rows, compressed chunks, and reading them back.

A metric's points are numbered ``n`` = 0, 1, ... in the order in which they arrive, whatever their
context. The first point lies in the metric's summary row alone until a second one arrives, since
most metrics never have one. Points of one batch and context make one row of the table ``points``;
many at once make a chunk. Rows become chunks when a metric has many of them, or when its run ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa

from chiplog.store.sql import chunks, doubles, schema
from chiplog.store.sql.chunks import Columns, concatenate
from chiplog.store.sql.prepared import delete, insert, select, update
from chiplog.store.sql.summaries import summarize

if TYPE_CHECKING:
    from chiplog.store.sql.engine import AnyRow, Transaction
    from chiplog.store.sql.summaries import Summary

CHUNK_AT_ONCE: Final = 1000
"""Points of one batch that become a chunk without having been rows."""

MOST_HOT: Final = 4096
"""Points in rows that make a metric be compacted."""

LONG_SERIES: Final = 1000
"""Points in rows that make a metric be compacted when its run ends."""

SMALL_CHUNK: Final = chunks.LARGEST_CHUNK // 2
MOST_SMALL_CHUNKS: Final = 16

Place = tuple[int, int]
"""A run's integer key and a field: where a metric's points belong."""

_insert_points = insert(schema.points)
_insert_chunk = insert(
    schema.chunks, *(column.name for column in schema.chunks.columns if column.name != "id")
)
_delete_points = delete(schema.points, "run", "field")
_delete_row = delete(schema.points, "run", "field", "n")
_delete_chunk = delete(schema.chunks, "id")
_set_hot = update(schema.metrics, ("hot",), ("run", "field"))
_select_chunk = select(schema.chunks, ("steps", "times", "data"), ("id",))


class PointWriter:
    """Collects the points of a batch and writes them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._rows: list[tuple[int, int, int, int, bytes]] = []
        self._full: list[tuple[int, int, Summary]] = []

    def add(self, place: Place, summary: Summary | None, columns: Columns, context: int) -> Summary:
        """Add points behind those that ``summary`` tells of; the summary of all."""
        run, field = place
        added = summarize(columns, context)
        if summary is None and len(columns) == 1:
            return added
        start = 0
        hot = 0
        if summary is not None:
            start, hot = summary.count, summary.hot
            if start == 1 and hot == 0:
                self._rows.append((run, field, 0, summary.context, _only_point(summary)))
                hot = 1
            summary.add(added)
            added = summary
        if len(columns) >= CHUNK_AT_ONCE:
            if hot:
                self._write_rows()
                start, fresh = take_rows(self._tx, place, context, start)
                hot -= len(fresh)
                columns = concatenate([fresh, columns])
            insert_chunks(self._tx, place, start, context, columns)
            merge_chunks(self._tx, run, field)
        else:
            self._rows.append((run, field, start, context, chunks.pack(columns)))
            hot += len(columns)
        added.hot = hot
        if hot >= MOST_HOT:
            self._full.append((run, field, added))
        return added

    def flush(self) -> None:
        """Write the rows and compact what has too many; before the summaries are written."""
        self._write_rows()
        for run, field, summary in self._full:
            if summary.hot:
                compact(self._tx, run, field)
                summary.hot = 0
        self._full = []

    def _write_rows(self) -> None:
        self._tx.many(_insert_points, self._rows)
        self._rows = []


def take_rows(tx: Transaction, place: Place, context: int, n: int) -> tuple[int, Columns]:
    """Take the rows of a context away, to become part of a chunk that would begin at ``n``.

    Where that chunk begins with them, and their points. A row left behind would come before the
    chunk, and be put into order with later ones when those are compacted.
    """
    table = schema.points
    rows = tx.execute(
        sa.select(table.c.n, table.c.data)
        .where(table.c.run == place[0], table.c.field == place[1], table.c.context == context)
        .order_by(table.c.n)
    ).fetchall()
    tx.many(_delete_row, ((*place, row.n) for row in rows))
    return (rows[0].n if rows else n), concatenate([chunks.unpack(row.data) for row in rows])


def _only_point(summary: Summary) -> bytes:
    value = doubles.decode(summary.latest)
    return chunks.pack_one(summary.latest_step, summary.latest_time, value)


def insert_chunks(tx: Transaction, place: Place, n: int, context: int, columns: Columns) -> None:
    """Write points as chunks of which the first begins at number ``n``."""
    tx.many(
        _insert_chunk,
        [
            _chunk_row(place, n + at, context, columns[at : at + chunks.LARGEST_CHUNK])
            for at in range(0, len(columns), chunks.LARGEST_CHUNK)
        ],
    )


def _chunk_row(place: Place, n: int, context: int, part: Columns) -> tuple[Any, ...]:
    return (
        *place,
        n,
        context,
        len(part),
        chunks.overview(part),
        chunks.compress(part.steps),
        chunks.compress(part.times),
        chunks.compress(part.values),
    )


def compact(tx: Transaction, run: int, field: int) -> None:
    """Turn the rows of a metric into chunks; whoever calls sets ``hot`` to 0."""
    table = schema.points
    rows = tx.execute(
        sa.select(table.c.n, table.c.context, table.c.data)
        .where(table.c.run == run, table.c.field == field)
        .order_by(table.c.n)
    ).fetchall()
    by_context: dict[int, list[AnyRow]] = {}
    for row in rows:
        by_context.setdefault(row.context, []).append(row)
    for context, some in by_context.items():
        columns = concatenate([chunks.unpack(row.data) for row in some])
        insert_chunks(tx, (run, field), some[0].n, context, columns)
    tx.run(_delete_points, run, field)
    merge_chunks(tx, run, field)


def merge_chunks(tx: Transaction, run: int, field: int) -> None:
    """Make few large chunks of many small ones at the end of a metric."""
    table = schema.chunks
    rows = tx.execute(
        sa.select(table.c.id, table.c.n, table.c.context, table.c["count"].label("size"))
        .where(table.c.run == run, table.c.field == field)
        .order_by(table.c.n)
    ).fetchall()
    if len(rows) < MOST_SMALL_CHUNKS:
        return
    for context in {row.context for row in rows}:
        tail: list[AnyRow] = []
        for row in reversed([row for row in rows if row.context == context]):
            if row.size >= SMALL_CHUNK:
                break
            tail.insert(0, row)
        if len(tail) >= MOST_SMALL_CHUNKS:
            columns = concatenate([_read_chunk(tx, row.id) for row in tail])
            tx.many(_delete_chunk, [(row.id,) for row in tail])
            insert_chunks(tx, (run, field), tail[0].n, context, columns)


def _read_chunk(tx: Transaction, number: int) -> Columns:
    ((steps, times, values),) = tx.rows(_select_chunk, number)
    return Columns(
        chunks.decompress(steps, np.int64),
        chunks.decompress(times, np.int64),
        chunks.decompress(values, np.float64),
    )


def compact_ended(tx: Transaction, runs: list[int]) -> None:
    """Compact the long series of runs that have ended."""
    table = schema.metrics
    for at in range(0, len(runs), 500):
        long = tx.execute(
            sa.select(table.c.run, table.c.field).where(
                table.c.run.in_(runs[at : at + 500]), table.c.hot >= LONG_SERIES
            )
        )
        for run, field in long.fetchall():
            compact(tx, run, field)
            tx.run(_set_hot, 0, run, field)


def read(tx: Transaction, run: int, field: int, summary: Summary) -> dict[int, Columns]:
    """All points of a metric by context, in the order in which they arrived."""
    if summary.count == 1 and not summary.hot:
        return {summary.context: chunks.unpack(_only_point(summary))}
    parts = [(row.n, row.context, _read_chunk(tx, row.id)) for row in _chunk_heads(tx, run, field)]
    return _joined(parts + _hot_parts(tx, run, field))


def sample(
    tx: Transaction, run: int, field: int, summary: Summary, most: int
) -> dict[int, Columns]:
    """At most ``most`` points in all that keep its shape, extremes and both ends included.

    Reads overviews instead of points where there are chunks.
    """
    if summary.count <= most or summary.count == summary.hot:
        return _thinned(read(tx, run, field, summary), most)
    # The coarsest buckets that still give about as many points as are asked for.
    fine_enough = [size for size in chunks.BUCKET_SIZES if summary.count // size * 8 >= most * 3]
    size = max(fine_enough, default=0)
    table = schema.chunks
    rows = tx.execute(
        sa.select(table.c.id, table.c.n, table.c.context, table.c.overview)
        .where(table.c.run == run, table.c.field == field)
        .order_by(table.c.n)
    ).fetchall()
    parts = []
    for row in rows:
        levels = chunks.read_overview(row.overview)
        fitting = [level for level in levels if level[0] <= size]
        columns = fitting[-1][1] if fitting else _read_chunk(tx, row.id)
        parts.append((row.n, row.context, columns))
    parts += _hot_parts(tx, run, field)
    return _thinned(_joined(parts), most)


def _thinned(by_context: dict[int, Columns], most: int) -> dict[int, Columns]:
    each = max(most // max(len(by_context), 1), 4)
    return {context: thin(columns, each) for context, columns in by_context.items()}


def thin(columns: Columns, most: int) -> Columns:
    """At most ``most`` of some points: the ends, and the extremes of buckets in between."""
    if len(columns) <= most:
        return columns
    buckets = max((most - 2) // 2, 1)
    size = -(-len(columns) // buckets)
    picked = chunks.extremes(columns.values, size)
    return columns[chunks.with_ends(picked, len(columns))]


def _chunk_heads(tx: Transaction, run: int, field: int) -> list[AnyRow]:
    table = schema.chunks
    return list(
        tx.execute(
            sa.select(table.c.id, table.c.n, table.c.context)
            .where(table.c.run == run, table.c.field == field)
            .order_by(table.c.n)
        )
    )


def _hot_parts(tx: Transaction, run: int, field: int) -> list[tuple[int, int, Columns]]:
    table = schema.points
    rows = tx.execute(
        sa.select(table.c.n, table.c.context, table.c.data)
        .where(table.c.run == run, table.c.field == field)
        .order_by(table.c.n)
    )
    return [(row.n, row.context, chunks.unpack(row.data)) for row in rows]


def _joined(parts: list[tuple[int, int, Columns]]) -> dict[int, Columns]:
    by_context: dict[int, list[tuple[int, Columns]]] = {}
    for n, context, columns in parts:
        by_context.setdefault(context, []).append((n, columns))
    return {
        context: concatenate([columns for _, columns in sorted(some, key=lambda part: part[0])])
        for context, some in by_context.items()
    }
