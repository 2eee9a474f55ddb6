"""What garbage collection gives back to the file system."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np

from chiplog.core.records import DocumentAttached, ModelRecorded
from chiplog.store.sql import schema
from chiplog.testing.store_kit import columns
from chiplog.testing.store_kit.models import model

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.store.sql.store import SqlTrackingStore
    from chiplog.testing.store_kit import Pen


def test_the_file_shrinks_by_what_was_freed(path: Path, pen: Pen, store: SqlTrackingStore) -> None:
    kept = pen.run(metrics={"m": 1.0})
    gone = pen.run(status=None)
    values = np.random.default_rng(0).normal(size=200_000)
    pen.write(points=[columns(gone, "m", range(200_000), range(200_000), values)])
    store.delete_run(gone)
    before = path.stat().st_size + path.with_name("runs.db-wal").stat().st_size
    report = store.collect_garbage()
    assert report.points == 200_000
    assert report.database_bytes > 1_000_000
    assert path.stat().st_size < 600_000 < before
    assert store.get_run(kept).data.metrics == {"m": 1.0}


def test_no_row_of_a_freed_experiment_is_left(
    path: Path, pen: Pen, store: SqlTrackingStore
) -> None:
    experiment = store.create_experiment("e", None, {"a": "b"})
    run_id = pen.run(experiment_id=experiment, params={"p": "1"}, tags={"t": "1"})
    made = model("m-1", run_id, 1, experiment_id=experiment, params={"a": "b"}, tags={"c": "d"})
    pen.write(
        ModelRecorded(run_id, model=made),
        DocumentAttached(run_id, name="receipt", body=b"{}"),
        points=[columns(run_id, "m", [1, 2], [1, 2], [1.0, 2.0], model_id="m-1")],
    )
    store.delete_experiment(experiment)
    report = store.collect_garbage(experiment_ids=[experiment])
    assert (report.experiments, report.runs, report.models, report.points) == (1, 1, 1, 2)
    kept = {"chiplog_version", "experiments", "journals", "contexts"}
    with sqlite3.connect(path) as connection:
        left = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in schema.metadata.tables
            if table not in kept
        }
    connection.close()
    assert set(left.values()) == {0}, left
