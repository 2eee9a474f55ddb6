"""Metric points: fresh rows, compressed chunks, and reading them back.

A metric's points are numbered ``n`` = 0, 1, ... in the order in which they arrive, whatever their
context. The first point lies in the metric's summary row alone until a second one arrives, since
most metrics never have one. Points of one batch and context make one row of the table ``points``;
many at once make a chunk. Rows become chunks when a metric has many of them, or when its run ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import sqlalchemy as sa

from chiplog.store.sql import chunks, doubles, schema
from chiplog.store.sql.columns import Columns, concatenate
from chiplog.store.sql.prepared import Among, delete, insert, select, update

if TYPE_CHECKING:
    from chiplog.store.sql.engine import Transaction
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
_select_rows = select(schema.points, ("n", "context", "data"), ("run", "field"), order_by="n")
_select_rows_of_context = select(
    schema.points, ("n", "data"), ("run", "field", "context"), order_by="n"
)
_select_heads = select(
    schema.chunks, ("id", "n", "context", "count"), ("run", "field"), order_by="n"
)
_select_overviews = select(
    schema.chunks, ("id", "n", "context", "overview"), ("run", "field"), order_by="n"
)
_select_long = Among(
    lambda among: sa.select(schema.metrics.c.run, schema.metrics.c.field).where(
        schema.metrics.c.hot >= sa.bindparam("hot"), among
    ),
    schema.metrics.c.run,
    ("hot",),
)


class PointWriter:
    """Collects the points of a batch and writes them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._rows: list[tuple[int, int, int, int, bytes]] = []
        self._full: list[tuple[int, int, Summary]] = []

    def add(
        self, place: Place, summary: Summary | None, columns: Columns, added: Summary
    ) -> Summary:
        """Add points, which ``added`` sums up, behind those that ``summary`` tells of.

        Hands back the summary of all.
        """
        run, field = place
        context = added.context
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
    rows = tx.rows(_select_rows_of_context, *place, context)
    tx.many(_delete_row, ((*place, at) for at, _ in rows))
    return (rows[0][0] if rows else n), concatenate([chunks.unpack(data) for _, data in rows])


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
    by_context: dict[int, list[tuple[int, bytes]]] = {}
    for n, context, data in tx.rows(_select_rows, run, field):
        by_context.setdefault(context, []).append((n, data))
    for context, rows in by_context.items():
        columns = concatenate([chunks.unpack(data) for _, data in rows])
        insert_chunks(tx, (run, field), rows[0][0], context, columns)
    tx.run(_delete_points, run, field)
    merge_chunks(tx, run, field)


def merge_chunks(tx: Transaction, run: int, field: int) -> None:
    """Make few large chunks of many small ones at the end of a metric."""
    heads = [_Head(*row) for row in tx.rows(_select_heads, run, field)]
    if len(heads) < MOST_SMALL_CHUNKS:
        return
    for context in {head.context for head in heads}:
        tail: list[_Head] = []
        for head in reversed([head for head in heads if head.context == context]):
            if head.size >= SMALL_CHUNK:
                break
            tail.insert(0, head)
        if len(tail) >= MOST_SMALL_CHUNKS:
            columns = concatenate([_read_chunk(tx, head.number) for head in tail])
            tx.many(_delete_chunk, [(head.number,) for head in tail])
            insert_chunks(tx, (run, field), tail[0].n, context, columns)


class _Head(NamedTuple):
    """A chunk without its points."""

    number: int
    n: int
    context: int
    size: int


def _read_chunk(tx: Transaction, number: int) -> Columns:
    ((steps, times, values),) = tx.rows(_select_chunk, number)
    return Columns(
        chunks.decompress(steps, np.int64),
        chunks.decompress(times, np.int64),
        chunks.decompress(values, np.float64),
    )


def compact_ended(tx: Transaction, runs: list[int]) -> None:
    """Compact the long series of runs that have ended."""
    for run, field in tx.among(_select_long, runs, LONG_SERIES):
        compact(tx, run, field)
        tx.run(_set_hot, 0, run, field)


def read(tx: Transaction, run: int, field: int, summary: Summary) -> dict[int, Columns]:
    """All points of a metric by context, in the order in which they arrived."""
    if summary.count == 1 and not summary.hot:
        return {summary.context: chunks.unpack(_only_point(summary))}
    heads = tx.rows(_select_heads, run, field)
    parts = [(n, context, _read_chunk(tx, number)) for number, n, context, _ in heads]
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
    parts = []
    for number, n, context, overview in tx.rows(_select_overviews, run, field):
        levels = chunks.read_overview(overview)
        fitting = [level for level in levels if level[0] <= size]
        columns = fitting[-1][1] if fitting else _read_chunk(tx, number)
        parts.append((n, context, columns))
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


def _hot_parts(tx: Transaction, run: int, field: int) -> list[tuple[int, int, Columns]]:
    rows = tx.rows(_select_rows, run, field)
    return [(n, context, chunks.unpack(data)) for n, context, data in rows]


def _joined(parts: list[tuple[int, int, Columns]]) -> dict[int, Columns]:
    by_context: dict[int, list[tuple[int, Columns]]] = {}
    for n, context, columns in parts:
        by_context.setdefault(context, []).append((n, columns))
    return {
        context: concatenate([columns for _, columns in sorted(some, key=lambda part: part[0])])
        for context, some in by_context.items()
    }
