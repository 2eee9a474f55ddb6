"""Starting, nesting, resuming, ending, finding and deleting runs with the module's functions."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core.errors import ChiplogError, InvalidValue, NotFound
from chiplog.hooks import hookimpl
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.entities import Run

pytestmark = pytest.mark.usefixtures("project")


def finished() -> str:
    """The id of a run that has ended."""
    with chiplog.start_run() as run:
        pass
    return run.info.run_id


def test_a_run_is_running_inside_its_block_and_finished_after_it() -> None:
    with chiplog.start_run() as run:
        assert chiplog.get_run(run.info.run_id).info.status == "RUNNING"
    after = chiplog.get_run(run.info.run_id).info
    assert after.status == "FINISHED"
    assert after.end_time is not None
    assert after.end_time >= after.start_time


def test_a_new_run_has_an_id_a_name_and_a_place_for_artifacts_as_in_mlflow() -> None:
    with chiplog.start_run() as run:
        info = run.info
    assert re.fullmatch(r"[0-9a-f]{32}", info.run_id)
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", str(info.run_name))
    assert len(str(info.run_name)) <= 20
    assert str(info.artifact_uri).endswith(f"/{info.run_id}/artifacts")
    assert chiplog.get_run(info.run_id).info.artifact_uri == info.artifact_uri
    assert run.data.tags["mlflow.runName"] == info.run_name


def test_names_leave_the_users_random_numbers_alone() -> None:
    import random

    random.seed(1)
    expected = random.random()
    random.seed(1)
    finished()
    assert random.random() == expected


def test_a_second_run_needs_nested() -> None:
    with chiplog.start_run() as run:
        with pytest.raises(Exception, match="is already active") as caught:
            chiplog.start_run()
        assert str(caught.value).startswith(f"Run with UUID {run.info.run_id} is already active")
        assert not isinstance(caught.value, ChiplogError)


def test_a_nested_run_is_a_child_of_the_innermost() -> None:
    with chiplog.start_run() as outer, chiplog.start_run(nested=True) as inner:
        with chiplog.start_run(nested=True) as innermost:
            assert chiplog.active_run() is innermost
        assert chiplog.active_run() is inner
    parent = chiplog.get_parent_run(inner.info.run_id)
    assert parent is not None
    assert parent.info.run_id == outer.info.run_id
    assert innermost.data.tags["mlflow.parentRunId"] == inner.info.run_id
    assert chiplog.get_parent_run(outer.info.run_id) is None


def test_nested_without_an_active_run_makes_a_top_level_run() -> None:
    with chiplog.start_run(nested=True) as run:
        assert "mlflow.parentRunId" not in run.data.tags


def test_a_parent_may_be_named() -> None:
    parent = finished()
    with chiplog.start_run(parent_run_id=parent) as child:
        assert child.data.tags["mlflow.parentRunId"] == parent


def test_a_named_parent_must_exist_and_not_be_deleted() -> None:
    with pytest.raises(NotFound):
        chiplog.start_run(parent_run_id="a" * 32)
    parent = finished()
    chiplog.delete_run(parent)
    with pytest.raises(ChiplogError, match="deleted") as caught:
        chiplog.start_run(parent_run_id=parent)
    assert caught.value.error_code == "INTERNAL_ERROR"
    assert chiplog.active_run() is None


def test_a_named_parent_must_be_the_active_run_if_there_is_one() -> None:
    other = finished()
    with (
        chiplog.start_run(),
        pytest.raises(ChiplogError, match="is not the given parent_run_id") as caught,
    ):
        chiplog.start_run(nested=True, parent_run_id=other)
    assert caught.value.error_code == "INTERNAL_ERROR"


def test_a_resumed_run_is_running_again_and_keeps_its_end_time() -> None:
    run_id = finished()
    ended = chiplog.get_run(run_id).info.end_time
    with chiplog.start_run(run_id, run_name="again", tags={"a": 1}, description="words") as run:
        now = chiplog.get_run(run_id)
        assert now.info.status == "RUNNING"
        assert now.info.end_time == ended
        assert now.info.run_name == run.info.run_name == "again"
        assert now.data.tags["a"] == "1"
        assert now.data.tags["mlflow.note.content"] == "words"
        assert now.data.tags["mlflow.runName"] == "again"
    assert chiplog.get_run(run_id).info.status == "FINISHED"


@pytest.mark.parametrize("variable", ["MLFLOW_RUN_ID", "CHIPLOG_RUN_ID"])
def test_the_environment_may_name_the_run_to_resume_once(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = finished()
    monkeypatch.setenv(variable, run_id)
    with chiplog.start_run() as run:
        assert run.info.run_id == run_id
        assert variable not in os.environ
    with chiplog.start_run() as other:
        assert other.info.run_id != run_id


@pytest.mark.parametrize("run_id", ["b" * 32, "-a"])
def test_a_run_that_the_environment_names_in_vain_is_told_with_the_variable(
    run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    with pytest.raises(ChiplogError) as caught:
        chiplog.start_run()
    (note,) = caught.value.__notes__
    assert f"MLFLOW_RUN_ID={run_id!r}" in note
    assert chiplog.active_run() is None


def test_a_run_to_resume_must_exist_be_well_named_and_not_be_deleted() -> None:
    with pytest.raises(NotFound):
        chiplog.start_run("b" * 32)
    with pytest.raises(InvalidValue, match="Invalid run id '-a'"):
        chiplog.start_run("-a")
    run_id = finished()
    chiplog.delete_run(run_id)
    with pytest.raises(ChiplogError, match="deleted state") as caught:
        chiplog.start_run(run_id)
    assert caught.value.error_code == "INTERNAL_ERROR"


def test_a_run_of_another_experiment_than_the_active_one_is_not_resumed() -> None:
    run_id = finished()
    chiplog.set_experiment("other")
    with pytest.raises(ChiplogError, match="active experiment"):
        chiplog.start_run(run_id)


def test_the_description_may_be_given_once_only() -> None:
    with pytest.raises(InvalidValue, match="given twice"):
        chiplog.start_run(description="x", tags={"mlflow.note.content": "y"})
    assert chiplog.active_run() is None


def test_the_run_name_wins_over_its_tag() -> None:
    with chiplog.start_run(run_name="x", tags={"mlflow.runName": "y"}) as run:
        assert run.info.run_name == "x"
    assert chiplog.get_run(run.info.run_id).data.tags["mlflow.runName"] == "x"
    with chiplog.start_run(tags={"mlflow.runName": "z"}) as run:
        assert run.info.run_name == "z"


def test_bad_tags_are_refused_before_a_run_begins() -> None:
    with pytest.raises(InvalidValue, match="tag key"):
        chiplog.start_run(tags={"a//b": 1})
    assert chiplog.search_runs(output_format="list") == []


def test_ending_without_a_run_does_nothing() -> None:
    chiplog.end_run()
    assert chiplog.active_run() is None


def test_an_unknown_status_leaves_the_run_running() -> None:
    run = chiplog.start_run()
    with pytest.raises(Exception, match="FOO"):
        chiplog.end_run("FOO")
    assert chiplog.active_run() is None
    assert chiplog.get_run(run.info.run_id).info.status == "RUNNING"


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED", "SCHEDULED"])
def test_a_run_ends_with_the_status_it_is_given(status: str) -> None:
    run = chiplog.start_run()
    chiplog.end_run(status)
    assert chiplog.get_run(run.info.run_id).info.status == status


def test_a_run_that_was_ended_inside_its_block_stays_as_it_ended() -> None:
    with chiplog.start_run() as run:
        chiplog.end_run("KILLED")
    assert chiplog.get_run(run.info.run_id).info.status == "KILLED"


def fail_with_an_inner_run_left_open(started: list[chiplog.ActiveRun]) -> None:
    with chiplog.start_run() as outer:
        started += [outer, chiplog.start_run(nested=True)]
        raise ZeroDivisionError


def test_an_error_fails_the_run_and_those_left_open_inside() -> None:
    started: list[chiplog.ActiveRun] = []
    with pytest.raises(ZeroDivisionError):
        fail_with_an_inner_run_left_open(started)
    assert chiplog.active_run() is None
    for run in started:
        now = chiplog.get_run(run.info.run_id)
        assert now.info.status == "FAILED"
        assert now.data.tags["chiplog.exit.reason"] == "ZeroDivisionError"


def test_the_last_active_run_is_the_active_one_else_the_one_that_ended_last() -> None:
    assert chiplog.last_active_run() is None
    with chiplog.start_run() as run:
        assert chiplog.last_active_run() is run
        chiplog.log_metric("m", 3)
    last = chiplog.last_active_run()
    assert last is not None
    assert last.info.status == "FINISHED"
    assert last.data.metrics == {"m": 3.0}


def test_threads_have_active_runs_of_their_own() -> None:
    seen: list[object] = []

    def work() -> None:
        seen.append(chiplog.active_run())
        with chiplog.start_run() as run:
            chiplog.log_metric("in_thread", 1)
            seen.append(run.info.run_id)

    with chiplog.start_run() as outer:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        chiplog.log_metric("in_main", 1)
    assert seen[0] is None
    assert chiplog.get_run(str(seen[1])).data.metrics == {"in_thread": 1.0}
    assert chiplog.get_run(outer.info.run_id).data.metrics == {"in_main": 1.0}


def test_a_deleted_run_can_be_read_and_restored_but_not_recorded_into() -> None:
    run_id = finished()
    chiplog.delete_run(run_id)
    assert chiplog.get_run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(InvalidValue, match="'active' state"):
        chiplog.log_metric("m", 1, run_id=run_id)
    chiplog.restore_run(run_id)
    chiplog.log_metric("m", 1, run_id=run_id)
    assert chiplog.get_run(run_id).data.metrics == {"m": 1.0}


def test_a_run_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        chiplog.get_run("nope")
    with pytest.raises(NotFound):
        chiplog.log_metric("m", 1, run_id="nope")


def test_a_run_that_has_ended_may_still_be_recorded_into() -> None:
    run_id = finished()
    chiplog.log_metric("late", 1, run_id=run_id)
    chiplog.log_params({"late": 1}, run_id=run_id)
    run = chiplog.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"late": 1.0}
    assert run.data.params == {"late": "1"}


class Watcher:
    """A plugin that keeps what it is told of runs."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    @hookimpl
    def chiplog_run_started(self, run: Run) -> None:
        self.told.append(("started", run.info.run_id, run.info.status))

    @hookimpl
    def chiplog_run_ended(self, run: Run) -> None:
        self.told.append(("ended", run.info.run_id, run.info.status))


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    plugin = Watcher()
    plugins().add(plugin, "watcher")
    yield plugin
    plugins().remove("watcher")


def test_plugins_are_told_of_starts_and_ends(watcher: Watcher) -> None:
    with chiplog.start_run() as run:
        assert watcher.told == [("started", run.info.run_id, "RUNNING")]
    assert watcher.told[1:] == [("ended", run.info.run_id, "FINISHED")]


class Context:
    """A plugin that adds to a run's context."""

    @hookimpl
    def chiplog_run_context(self) -> dict[str, str]:
        return {"mlflow.user": "ada", "place": "plugin"}


def test_tags_of_context_plugins_are_set_and_the_users_own_win() -> None:
    plugins().add(Context(), "context-of-a-test")
    try:
        with chiplog.start_run(tags={"place": "user"}) as run:
            pass
    finally:
        plugins().remove("context-of-a-test")
    stored = chiplog.get_run(run.info.run_id)
    assert stored.info.user_id == "ada"
    assert stored.data.tags["mlflow.user"] == "ada"
    assert stored.data.tags["place"] == "user"


def test_searching_looks_in_the_active_experiment_unless_told_otherwise() -> None:
    finished()
    other = chiplog.create_experiment("other")
    with chiplog.start_run(experiment_id=other):
        pass

    def found(**where: Any) -> set[str]:
        runs = chiplog.search_runs(output_format="list", **where)
        return {run.info.experiment_id for run in runs}

    assert found() == {"0"}
    assert found(experiment_names=["other"]) == {other}
    assert found(experiment_ids=["0", other]) == {"0", other}
    assert found(search_all_experiments=True) == {"0", other}
    with pytest.raises(InvalidValue, match="not both"):
        found(experiment_ids=["0"], experiment_names=["other"])
    with pytest.raises(ValueError, match="output format"):
        chiplog.search_runs(output_format="table")


def test_an_unknown_experiment_name_is_left_out_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "chiplog"):
        assert chiplog.search_runs(experiment_names=["nope"], output_format="list") == []
    assert "no experiment named 'nope'" in caplog.text


def test_a_search_gives_a_frame_with_a_column_for_each_key() -> None:
    pandas = pytest.importorskip("pandas")
    with chiplog.start_run(run_name="a"):
        chiplog.log_metric("loss", 0.5)
        chiplog.log_param("lr", 0.1)
    open_run = chiplog.start_run(run_name="b")
    chiplog.set_tag("only", "here")
    frame = chiplog.search_runs(order_by=["start_time ASC"])
    assert list(frame.columns[:6]) == [
        "run_id",
        "experiment_id",
        "status",
        "artifact_uri",
        "start_time",
        "end_time",
    ]
    assert frame["run_id"][1] == open_run.info.run_id
    assert frame["metrics.loss"][0] == 0.5
    assert pandas.isna(frame["metrics.loss"][1])
    assert frame["params.lr"][0] == "0.1"
    assert frame["params.lr"][1] is None or pandas.isna(frame["params.lr"][1])
    assert frame["tags.only"][1] == "here"
    assert str(frame["start_time"].dt.tz) == "UTC"
    assert pandas.isna(frame["end_time"][1])


def test_a_search_without_runs_gives_an_empty_frame() -> None:
    pytest.importorskip("pandas")
    frame = chiplog.search_runs()
    assert len(frame) == 0
    assert "run_id" in frame.columns


def test_without_pandas_a_search_gives_a_list_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    run_id = finished()
    with caplog.at_level(logging.WARNING, "chiplog"):
        for _ in range(2):
            assert [run.info.run_id for run in chiplog.search_runs()] == [run_id]
    assert caplog.text.count("pandas is not installed") == 1


@pytest.mark.parametrize("wrong", [-1, True, "3"])
def test_a_number_of_results_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidValue, match="max_results"):
        chiplog.search_runs(max_results=wrong)
    assert chiplog.search_runs(max_results=0, output_format="list") == []
    with pytest.raises(InvalidValue, match="max_results"):
        chiplog.MlflowClient().search_runs(["0"], max_results=-1)
