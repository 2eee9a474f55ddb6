"""Behaviour of garbage collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.stores import open_artifact_store
from chiplog.testing.store_kit.pen import Behaviour

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore
    from chiplog.testing.store_kit.pen import Pen


class UpkeepBehaviour(Behaviour):
    """What lies in the bin is freed, and nothing else."""

    def test_garbage_is_freed_and_counted(self, store: TrackingStore, pen: Pen) -> None:
        """Rows and artifact files of deleted runs; a dry run only counts."""
        gone, kept = pen.run(metrics={"m": 1.0}), pen.run(metrics={"m": 1.0})
        for run_id in (gone, kept):
            uri = store.get_run(run_id).info.artifact_uri
            assert uri is not None
            open_artifact_store(uri).put_bytes(b"12345", "folder/file.txt")
        store.delete_run(gone)
        for dry_run in (True, False):
            report = store.collect_garbage(dry_run=dry_run)
            assert (report.runs, report.points, report.experiments) == (1, 1, 0)
            assert (report.artifact_files, report.artifact_bytes) == (1, 5)
        with pytest.raises(NotFound):
            store.get_run(gone)
        uri = store.get_run(kept).info.artifact_uri
        assert uri is not None
        assert [file.path for file in open_artifact_store(uri).list("folder")] == [
            "folder/file.txt"
        ]
        assert store.collect_garbage().runs == 0

    def test_a_deleted_experiment_goes_with_its_runs(self, store: TrackingStore, pen: Pen) -> None:
        """And its id is not given again."""
        experiment = store.create_experiment("e", None, {"a": "b"})
        run_id = pen.run(experiment_id=experiment)
        store.delete_experiment(experiment)
        report = store.collect_garbage()
        assert (report.experiments, report.runs) == (1, 1)
        with pytest.raises(NotFound):
            store.get_experiment(experiment)
        with pytest.raises(NotFound):
            store.get_run(run_id)
        assert store.create_experiment("e", None, {}) != experiment

    def test_what_is_in_use_is_no_garbage(self, store: TrackingStore, pen: Pen) -> None:
        """Named all the same, it is an error and nothing is freed."""
        gone, kept = pen.run(), pen.run()
        store.delete_run(gone)
        with pytest.raises(InvalidValue, match=kept):
            store.collect_garbage(run_ids=[gone, kept])
        with pytest.raises(InvalidValue, match="'0'"):
            store.collect_garbage(experiment_ids=["0"])
        assert store.get_run(gone).info.run_id == gone

    def test_only_what_is_old_enough_or_named_goes(self, store: TrackingStore, pen: Pen) -> None:
        """An hour has not passed yet."""
        one, two = pen.run(), pen.run()
        store.delete_run(one)
        store.delete_run(two)
        assert store.collect_garbage(older_than_ms=3_600_000).runs == 0
        assert store.collect_garbage(run_ids=[one]).runs == 1
        assert store.get_run(two).info.lifecycle_stage == "deleted"
