"""Garbage collection when something happens in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.errors import StoreUnavailable
from chiplog.core.records import ModelRecorded
from chiplog.core.stores import open_artifact_store
from chiplog.store.artifacts.local import LocalArtifactStore
from chiplog.store.sql import gc
from chiplog.store.sql.bin import look
from chiplog.store.sql.store import SqlTrackingStore
from chiplog.testing.store_kit.models import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.store.sql.bin import Found
    from chiplog.testing.store_kit import Pen


def add_file(store: SqlTrackingStore, run_id: str) -> Path:
    """Give a run a file of five bytes; where it lies."""
    uri = store.get_run(run_id).info.artifact_uri
    assert uri is not None
    open_artifact_store(uri).put_bytes(b"12345", "file.txt")
    return Path(uri) / "file.txt"


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something done just after a collection has looked at the bin."""

    def look_and_act(*arguments: Any) -> Found:
        found = look(*arguments)
        act()
        return found

    monkeypatch.setattr(gc, "look", look_and_act)


def test_a_run_restored_in_between_keeps_its_files(
    store: SqlTrackingStore, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = pen.run(metrics={"m": 1.0})
    file = add_file(store, run_id)
    store.delete_run(run_id)
    meanwhile(monkeypatch, lambda: store.restore_run(run_id))
    report = store.collect_garbage()
    assert (report.runs, report.artifact_files) == (0, 0)
    assert file.read_bytes() == b"12345"
    assert store.get_run(run_id).data.metrics == {"m": 1.0}


def test_an_experiment_restored_in_between_keeps_everything(
    store: SqlTrackingStore, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store.create_experiment("e", None, {})
    run_id = pen.run(experiment_id=experiment)
    file = add_file(store, run_id)
    store.delete_experiment(experiment)
    meanwhile(monkeypatch, lambda: store.restore_experiment(experiment))
    report = store.collect_garbage(experiment_ids=[experiment])
    assert (report.experiments, report.runs, report.artifact_files) == (0, 0, 0)
    assert file.exists()
    assert store.get_experiment(experiment).name == "e"
    assert store.get_run(run_id).info.lifecycle_stage == "active"


def test_a_model_taken_out_of_the_bin_in_between_stays(
    store: SqlTrackingStore, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = pen.run()
    pen.write(ModelRecorded(run_id, model=model("m-1", run_id, 1, status="DELETED")))
    ready = ModelRecorded(run_id, model=model("m-1", run_id, 1, status="READY"))
    meanwhile(monkeypatch, lambda: pen.write(ready))
    assert store.collect_garbage().models == 0
    assert store.get_logged_model("m-1").model_id == "m-1"


def test_a_run_that_came_to_a_deleted_experiment_goes_with_it(
    store: SqlTrackingStore, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store.create_experiment("e", None, {})
    store.delete_experiment(experiment)
    meanwhile(monkeypatch, lambda: pen.run(experiment_id=experiment))
    report = store.collect_garbage()
    assert (report.experiments, report.runs) == (1, 1)


def test_files_that_could_not_be_removed_go_with_the_next_collection(
    store: SqlTrackingStore, pen: Pen, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash: the run is gone, its files are found again."""
    stuck, free = pen.run(), pen.run()
    files = [add_file(store, run_id) for run_id in (stuck, free)]
    for run_id in (stuck, free):
        store.delete_run(run_id)
    delete = LocalArtifactStore.delete

    def fail(self: LocalArtifactStore, path: str | None) -> tuple[int, int]:
        if stuck in self.uri:
            raise StoreUnavailable("The disk is on holiday.")
        return delete(self, path)

    with monkeypatch.context() as patched:
        patched.setattr(LocalArtifactStore, "delete", fail)
        with pytest.raises(StoreUnavailable, match="holiday"):
            store.collect_garbage()
    assert [file.exists() for file in files] == [True, False]
    moved = path.parent.rename(path.parent.with_name("moved"))
    again = SqlTrackingStore(f"sqlite:///{moved / path.name}")
    for dry_run in (True, False):
        report = again.collect_garbage(dry_run=dry_run)
        assert (report.runs, report.artifact_files, report.artifact_bytes) == (0, 1, 5)
    again.close()
    assert not (moved / files[0].relative_to(path.parent)).exists()


def test_a_dry_run_counts_each_file_once(store: SqlTrackingStore, pen: Pen) -> None:
    experiment = store.create_experiment("e", None, {})
    add_file(store, pen.run(experiment_id=experiment))
    store.delete_experiment(experiment)
    for dry_run in (True, False):
        report = store.collect_garbage(dry_run=dry_run)
        assert (report.experiments, report.runs, report.artifact_files) == (1, 1, 1)
