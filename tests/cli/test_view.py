"""Runs as rows: their order, their columns."""

from __future__ import annotations

from chiplog.cli.lookup import short_ids
from chiplog.cli.runs.view import as_tree, importance, run_table
from chiplog.core.entities import Run, RunData, RunInfo
from chiplog.core.tags import PARENT_RUN_ID


def run(run_id: str, parent: str | None = None, metrics: dict[str, float] | None = None) -> Run:
    tags = {PARENT_RUN_ID: parent} if parent else {}
    info = RunInfo(run_id, "1", "ann", "FINISHED", 1000, 2000, run_name=f"run {run_id}")
    return Run(info, RunData(metrics=metrics or {}, tags=tags))


def ids(runs: list[Run]) -> list[str]:
    return [r.info.run_id for r in runs]


def test_children_stand_below_their_parents() -> None:
    ordered, depths = as_tree([run("c2", "b"), run("b", "a"), run("c1", "b"), run("a"), run("z")])
    assert ids(ordered) == ["a", "b", "c2", "c1", "z"]
    assert depths == {"a": 0, "b": 1, "c2": 2, "c1": 2, "z": 0}


def test_a_child_without_its_parent_stays_where_it_is() -> None:
    ordered, depths = as_tree([run("a"), run("b", "elsewhere")])
    assert ids(ordered) == ["a", "b"]
    assert depths["b"] == 0


def test_parents_in_a_circle_lose_no_run() -> None:
    ordered, _ = as_tree([run("a", "b"), run("b", "a"), run("c", "c")])
    assert sorted(ids(ordered)) == ["a", "b", "c"]


def test_ids_are_as_short_as_tells_them_apart() -> None:
    assert short_ids(["abcdefghij", "abcdefgh12"]) == {
        "abcdefghij": "abcdefghi",
        "abcdefgh12": "abcdefgh1",
    }
    assert short_ids(["0123456789ab"]) == {"0123456789ab": "01234567"}
    assert short_ids([]) == {}


def test_metrics_that_most_runs_have_come_first_the_machines_load_last() -> None:
    runs = [
        run("a", metrics={"loss": 1.0, "system/cpu": 1.0}),
        run("b", metrics={"loss": 1.0, "val_loss": 2.0, "system/cpu": 1.0}),
    ]
    table = run_table(runs, experiments={}, columns=None, children={})
    assert [column.header for column in table.columns][-3:] == ["loss", "val_loss", "system/cpu"]
    assert sorted(["training_loss", "val_loss", "speed"], key=importance) == [
        "val_loss",
        "training_loss",
        "speed",
    ]
