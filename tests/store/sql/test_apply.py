"""Batches the database itself objects to, and other things only a SQL store can meet."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.errors import StoreError, StoreUnavailable
from chiplog.core.records import ParamsLogged, RunRecorded, RunStarted, TagsSet
from chiplog.store.sql import apply
from chiplog.testing.store_kit import Pen, columns

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.store.sql.store import SqlTrackingStore


def test_what_the_database_refuses_is_left_out_and_the_rest_applied(
    pen: Pen, store: SqlTrackingStore
) -> None:
    run_id = pen.run(status=None)
    refused = pen.write(
        ParamsLogged(run_id, params={"before": "1"}),
        RunStarted("far", experiment_id="0", user_id="", start_time=2**70, name="too late"),
        TagsSet(run_id, tags={"broken": "half \ud800 pair"}),
        ParamsLogged(run_id, params={"after": "2"}),
        points=[columns(run_id, "m", [1], [2], [3.0])],
    )
    assert {(item.run_id, item.what) for item in refused} == {
        ("far", "RunStarted"),
        (run_id, "TagsSet"),
    }
    run = store.get_run(run_id)
    assert run.data.params == {"before": "1", "after": "2"}
    assert run.data.metrics == {"m": 3.0}
    assert store.cursor(pen.journal_id) == pen.position


def test_names_first_seen_in_a_refused_record_can_be_used_later(
    pen: Pen, store: SqlTrackingStore
) -> None:
    run_id = pen.run(status=None)
    assert pen.write(TagsSet(run_id, tags={"new name": "\ud800"}))
    assert not pen.write(TagsSet(run_id, tags={"new name": "fine"}))
    assert store.get_run(run_id).data.tags["new name"] == "fine"


def test_a_search_of_many_candidates_is_one_batch(pen: Pen, store: SqlTrackingStore) -> None:
    records = [
        RunRecorded(
            f"candidate{number}",
            experiment_id="0",
            user_id="ada",
            start_time=number,
            end_time=number,
            status="FINISHED",
            name=f"c{number}",
            params={"depth": str(number)},
            metrics={"score": number / 10},
        )
        for number in range(1200)
    ]
    assert pen.write(*records) == []
    best = store.search_runs(["0"], "", 1, 1, ["metrics.score DESC"], None)
    assert best[0].info.run_id == "candidate1199"
    assert best[0].data.params == {"depth": "1199"}


def test_stores_of_one_file_see_each_others_names(path: Path, store: SqlTrackingStore) -> None:
    other = type(store)(f"sqlite:///{path}")
    one, two = Pen(store, "one"), Pen(other, "two")
    first = one.run(params={"shared": "1"}, metrics={"m": 1.0})
    second = two.run(params={"shared": "2"}, metrics={"m": 2.0})
    for reader in (store, other):
        found = reader.search_runs(["0"], "params.shared != '9'", 1, 9, ["metrics.m"], None)
        assert [run.info.run_id for run in found] == [first, second]
    other.close()


def test_runs_of_a_deleted_experiment_go_on_recording(pen: Pen, store: SqlTrackingStore) -> None:
    experiment = store.create_experiment("e", None, {})
    run_id = pen.run(experiment_id=experiment, status=None)
    store.delete_experiment(experiment)
    assert pen.write(ParamsLogged(run_id, params={"late": "1"})) == []
    later = pen.run(experiment_id=experiment)
    store.restore_experiment(experiment)
    assert store.get_run(run_id).data.params == {"late": "1"}
    assert store.get_run(later).info.lifecycle_stage == "active"


def test_damage_found_while_writing_is_an_error_and_not_a_refusal(
    path: Path, pen: Pen, store: SqlTrackingStore
) -> None:
    for _ in range(40):
        pen.run(params={f"p{number}": "x" * 60 for number in range(20)})
    position = store.cursor(pen.journal_id)
    store.close()
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'params'"
        ).fetchone()
    connection.close()
    data = bytearray(path.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        pen.run(params={"p": "1"})
    assert store.cursor(pen.journal_id) == position


def test_a_disk_that_fills_up_meanwhile_leaves_nothing_out(
    pen: Pen, store: SqlTrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = pen.run(status=None)
    applied = apply._Applier.apply

    def fill_up(applier: apply._Applier, records: list[Any], points: list[Any]) -> list[Any]:
        if isinstance(records[0], ParamsLogged) and len(records) == 1:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return applied(applier, records, points)

    records = [TagsSet(run_id, tags={"b": "\ud800"}), ParamsLogged(run_id, params={"a": "1"})]
    with monkeypatch.context() as patch:
        patch.setattr(apply._Applier, "apply", fill_up)
        with pytest.raises(StoreUnavailable, match="no space left"):
            pen.write(*records)
    assert [item.what for item in pen.write(*records)] == ["TagsSet"]
    assert store.get_run(run_id).data.params == {"a": "1"}


def test_a_name_is_never_taken_for_one_that_was_collected(
    path: Path, store: SqlTrackingStore
) -> None:
    other = type(store)(f"sqlite:///{path}")
    gone = store.create_experiment("gone", None, {})
    run_id = Pen(store, "one").run(experiment_id=gone, params={"old": "1"})
    assert other.get_run(run_id).data.params == {"old": "1"}
    store.delete_experiment(gone)
    store.collect_garbage()
    run_id = Pen(store, "two").run(params={"new": "1"})
    assert other.get_run(run_id).data.params == {"new": "1"}
    other.close()
