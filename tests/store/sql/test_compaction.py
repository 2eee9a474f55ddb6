"""When rows become chunks, and that nobody can tell from what is read."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chiplog.core.records import RunUpdated
from chiplog.store.sql import points
from chiplog.testing.store_kit import columns
from chiplog.testing.store_kit.pen import bits

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.store.sql.store import SqlTrackingStore
    from chiplog.testing.store_kit import Pen


def counts(path: Path) -> tuple[int, int]:
    """The number of rows of points, and of chunks."""
    with sqlite3.connect(path) as connection:
        rows = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("points", "chunks")
        ]
    connection.close()
    return rows[0], rows[1]


def noise(count: int, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(size=count)


def test_one_point_needs_no_row_of_its_own(path: Path, pen: Pen) -> None:
    pen.run(metrics={"a": 1.0, "b": 2.0})
    assert counts(path) == (0, 0)


def test_a_short_run_is_never_compacted(path: Path, pen: Pen) -> None:
    run_id = pen.run(status=None)
    for step in range(300):
        pen.write(points=[columns(run_id, "m", [step], [step], [step])])
    pen.write(RunUpdated(run_id, status="FINISHED", end_time=1))
    assert counts(path) == (300, 0)


def test_a_large_batch_becomes_a_chunk_at_once(path: Path, pen: Pen) -> None:
    run_id = pen.run(status=None)
    count = points.CHUNK_AT_ONCE
    pen.write(points=[columns(run_id, "m", range(count), range(count), noise(count))])
    assert counts(path) == (0, 1)


def test_many_rows_become_a_chunk(path: Path, pen: Pen, store: SqlTrackingStore) -> None:
    run_id = pen.run(status=None)
    values = noise(points.MOST_HOT + 500)
    for at in range(0, len(values), 500):
        part = values[at : at + 500]
        steps = range(at, at + len(part))
        pen.write(points=[columns(run_id, "m", steps, steps, part)])
    assert counts(path)[1] == 1
    (found,) = store.get_points(run_id, "m")
    assert bits(found.values) == bits(values)
    assert store.get_metric_summaries(run_id)[0].count == len(values)


def test_long_series_are_compacted_when_the_run_ends(
    path: Path, pen: Pen, store: SqlTrackingStore
) -> None:
    run_id = pen.run(status=None)
    long, short = noise(points.LONG_SERIES + 100), noise(50, 1)
    for part in np.array_split(long, 4):
        pen.write(points=[columns(run_id, "long", range(len(part)), range(len(part)), part)])
    pen.write(points=[columns(run_id, "short", range(50), range(50), short)])
    assert counts(path) == (5, 0)
    pen.write(RunUpdated(run_id, status="FINISHED", end_time=1))
    assert counts(path) == (1, 1)
    assert bits(store.get_points(run_id, "long")[0].values) == bits(long)
    assert bits(store.get_points(run_id, "short")[0].values) == bits(short)
    # A run can be resumed: new points go on behind the chunk.
    pen.write(points=[columns(run_id, "long", [9999], [1], [0.5])])
    assert bits(store.get_points(run_id, "long")[0].values) == bits([*long, 0.5])


def test_many_small_chunks_become_a_large_one(
    path: Path, pen: Pen, store: SqlTrackingStore
) -> None:
    run_id = pen.run(status=None)
    size = points.CHUNK_AT_ONCE
    values = noise(size * (points.MOST_SMALL_CHUNKS + 3))
    for at in range(0, len(values), size):
        steps = range(at, at + size)
        pen.write(points=[columns(run_id, "m", steps, steps, values[at : at + size])])
    assert counts(path) == (0, 4)
    (found,) = store.get_points(run_id, "m")
    assert bits(found.values) == bits(values)
    assert found.steps.tolist() == list(range(len(values)))


@pytest.mark.parametrize("seed", range(4))
def test_contexts_batches_and_compaction_keep_every_series_in_order(
    pen: Pen, store: SqlTrackingStore, seed: int
) -> None:
    source = np.random.default_rng(seed)
    run_id = pen.run(status=None)
    expected: dict[str | None, list[float]] = {}
    for _ in range(60):
        model = [None, "m-1", "m-2"][source.integers(3)]
        part = source.normal(size=int(source.choice([1, 1, 7, 600, 999, 1500])))
        expected.setdefault(model, []).extend(part.tolist())
        context = {"model_id": model} if model else {}
        pen.write(
            points=[columns(run_id, "m", range(len(part)), range(len(part)), part, **context)]
        )
    found = {
        points.series.model_id: points.values.tolist() for points in store.get_points(run_id, "m")
    }
    assert found == expected
    (summary,) = store.get_metric_summaries(run_id)
    everything = [value for values in expected.values() for value in values]
    assert summary.count == len(everything)
    assert (summary.min, summary.max) == (min(everything), max(everything))


def test_a_long_noisy_series_needs_few_bytes_a_point(
    path: Path, pen: Pen, store: SqlTrackingStore
) -> None:
    run_id = pen.run(status=None)
    count, batch = 300_000, 15_000
    values = noise(count)
    times = 1_700_000_000_000 + np.cumsum(np.random.default_rng(1).integers(0, 9, count))
    for at in range(0, count, batch):
        part = slice(at, at + batch)
        steps = range(at, at + batch)
        pen.write(points=[columns(run_id, "loss", steps, times[part], values[part])])
    pen.write(RunUpdated(run_id, status="FINISHED", end_time=1))
    store.close()
    assert path.stat().st_size / count < 10
