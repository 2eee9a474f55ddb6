"""A store that cannot be reached keeps no run from starting, and costs it nothing."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING

import pytest

import chiplog
from chiplog.core import background, experiments
from chiplog.core.artifacts import outbox
from chiplog.core.errors import InvalidValue, NotFound, StoreError
from chiplog.core.journal import sync_directory
from chiplog.core.runs import active
from chiplog.core.runs.reset import reset_process

if TYPE_CHECKING:
    from pathlib import Path


class Away:
    """A database in a folder that is not to be had, until it is."""

    def __init__(self, project: Path) -> None:
        self.folder = project / "mount"
        self.folder.touch()  # a file where the folder should be
        self.uri = f"sqlite:///{self.folder / 'runs.db'}"
        self.journals = project / "journals"

    def comes_back(self) -> None:
        """Let the folder be there."""
        self.folder.unlink()
        experiments.forget()  # as some seconds later


@pytest.fixture
def away(project: Path, monkeypatch: pytest.MonkeyPatch) -> Away:
    """The tracking URI of a store that is away; nobody waits for it long."""
    monkeypatch.setenv("CHIPLOG_END_TIMEOUT", "0.2")
    monkeypatch.setenv("CHIPLOG_JOURNAL_DIR", str(project / "journals"))
    store = Away(project)
    chiplog.set_tracking_uri(store.uri)
    return store


def delivered(away: Away) -> chiplog.MlflowClient:
    """What the next process finds, once the store is back."""
    reset_process()
    sync_directory(away.journals)
    chiplog.set_tracking_uri(away.uri)
    return chiplog.MlflowClient(away.uri)


def test_a_run_starts_in_the_default_experiment(
    away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "chiplog"), chiplog.start_run() as run:
        chiplog.log_metric("loss", 0.5, step=3)
    (said,) = caplog.messages
    assert f"training goes on, and what is recorded is kept in {away.journals}" in said
    away.comes_back()
    found = delivered(away).get_run(run.info.run_id)
    assert found.info.experiment_id == "0"
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"loss": 0.5}


def test_an_experiment_may_be_chosen_by_a_name_that_nobody_knows_yet(away: Away) -> None:
    chiplog.set_experiment("vision")
    with chiplog.start_run() as parent, chiplog.start_run(nested=True) as child:
        chiplog.log_metric("loss", 0.5)
    away.comes_back()
    client = delivered(away)
    experiment = client.get_experiment_by_name("vision")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.run_id for run in runs} == {parent.info.run_id, child.info.run_id}


def test_two_processes_that_name_an_experiment_mean_the_same(away: Away) -> None:
    chiplog.set_experiment("vision")
    with chiplog.start_run():
        pass
    reset_process()
    chiplog.set_tracking_uri(away.uri)
    chiplog.set_experiment("vision")
    with chiplog.start_run():
        pass
    away.comes_back()
    client = delivered(away)
    named = client.search_experiments(filter_string="name = 'vision'")
    assert len(named) == 1
    assert len(client.search_runs([named[0].experiment_id])) == 2


def test_runs_go_where_they_belong_once_the_store_is_back(away: Away) -> None:
    chosen = chiplog.set_experiment("vision")
    assert chosen.name == "vision"
    away.comes_back()
    with chiplog.start_run() as run:
        chiplog.log_metric("loss", 0.5)
    assert run.info.experiment_id.isdecimal()
    assert chiplog.get_experiment(run.info.experiment_id).name == "vision"
    assert chiplog.get_run(run.info.run_id).data.metrics == {"loss": 0.5}


def test_files_wait_with_the_journal_and_come_to_their_place(away: Away) -> None:
    with chiplog.start_run() as run:
        chiplog.log_text("early", "notes/a.txt")
    assert list(away.journals.glob("*.files/runs/*/notes/a.txt"))
    away.comes_back()
    client = delivered(away)
    uri = f"runs:/{run.info.run_id}/notes/a.txt"
    assert chiplog.artifacts.load_text(uri) == "early"
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["notes"]
    assert not list(away.journals.iterdir())


def test_files_come_to_their_place_at_the_end_of_a_run_that_saw_the_store_come_back(
    away: Away,
) -> None:
    with chiplog.start_run() as run:
        chiplog.log_text("early", "a.txt")
        away.comes_back()
        chiplog.flush_async_logging()
        chiplog.log_text("late", "b.txt")
    found = chiplog.MlflowClient().list_artifacts(run.info.run_id)
    assert [file.path for file in found] == ["a.txt", "b.txt"]
    assert not [file for file in away.journals.glob("*.files/**/*") if file.is_file()]
    reset_process()
    assert not list(away.journals.glob("*.files"))


def test_a_file_that_is_written_while_others_are_brought_is_not_lost(away: Away) -> None:
    names = [f"{number}.txt" for number in range(200)]
    with chiplog.start_run() as run:
        entry = active.current()
        assert entry is not None
        waiting = entry.writer.artifacts
        away.comes_back()
        assert entry.writer.flush(30)

        def write() -> None:
            for name in names:
                waiting.put_bytes(b"kept", name)

        writing = threading.Thread(target=write)
        writing.start()
        while writing.is_alive():
            outbox.deliver_own(entry.writer.journal)
    found = delivered(away).list_artifacts(run.info.run_id)
    assert sorted(info.path for info in found) == sorted(names)


def test_a_newer_file_is_not_replaced_by_one_that_waited(away: Away) -> None:
    with chiplog.start_run() as run:
        chiplog.log_text("early", "a.txt")
        away.comes_back()
        chiplog.flush_async_logging()
        chiplog.log_text("late", "a.txt")
    assert chiplog.artifacts.load_text(f"runs:/{run.info.run_id}/a.txt") == "late"


def test_tables_and_tags_need_no_store(away: Away) -> None:
    with chiplog.start_run(tags={"draft": "yes"}) as run:
        chiplog.log_table({"loss": [0.5]}, "first.json")
        chiplog.log_table({"loss": [0.4]}, "second.json")
        chiplog.log_table({"loss": [0.3]}, "first.json")
        chiplog.delete_tag("draft")
        with pytest.raises(NotFound, match="has no tag"):
            chiplog.delete_tag("draft")
    away.comes_back()
    tags = delivered(away).get_run(run.info.run_id).data.tags
    assert "draft" not in tags
    assert [one["path"] for one in json.loads(tags["mlflow.loggedArtifacts"])] == [
        "first.json",
        "second.json",
    ]


def test_a_model_goes_to_the_experiment_that_was_chosen_by_name(away: Away) -> None:
    chiplog.set_experiment("vision")
    with chiplog.start_run():
        model = chiplog.initialize_logged_model(name="net")
    away.comes_back()
    client = delivered(away)
    found = client.get_logged_model(model.model_id)
    assert client.get_experiment(found.experiment_id).name == "vision"
    assert not list(away.journals.iterdir())


def test_a_run_of_an_experiment_that_is_not_there_is_kept_in_the_default_one(
    away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    with chiplog.start_run(experiment_id="99") as run:
        chiplog.log_metric("loss", 0.5)
        chiplog.log_text("kept", "a.txt")
    away.comes_back()
    found = delivered(away).get_run(run.info.run_id)
    assert found.info.experiment_id == "0"
    assert found.data.metrics == {"loss": 0.5}
    assert chiplog.artifacts.load_text(f"runs:/{run.info.run_id}/a.txt") == "kept"
    assert "the experiment '99'" in caplog.text


def test_files_of_a_run_that_the_store_lacks_are_kept_aside(
    away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    with chiplog.start_run() as run:
        chiplog.log_text("early", "a.txt")
    (files,) = away.journals.glob("*.files")
    (files / "runs" / run.info.run_id).rename(files / "runs" / ("0" * 32))
    away.comes_back()
    assert delivered(away).get_run(run.info.run_id).info.status == "FINISHED"
    (kept,) = away.journals.iterdir()
    assert (kept / "runs" / ("0" * 32) / "a.txt").read_text() == "early"
    assert str(kept) in caplog.text


@pytest.mark.framework
def test_a_training_is_recorded_whole_with_its_model(away: Away) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    chiplog.sklearn.autolog()
    try:
        linear_model.LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    finally:
        chiplog.sklearn.autolog(disable=True)
    background.flush(60)
    away.comes_back()
    (run,) = delivered(away).search_runs(["0"])
    assert run.data.params["fit_intercept"] == "True"
    assert run.outputs is not None
    (output,) = run.outputs.model_outputs
    model = chiplog.sklearn.load_model(f"models:/{output.model_id}")
    assert model.predict([[3.0]]) == pytest.approx([3.0])


def test_a_file_that_is_no_database_refuses_a_run_at_its_start(project: Path) -> None:
    (project / "notes.db").write_text("this is no database, and longer than its header would be")
    chiplog.set_tracking_uri(f"sqlite:///{project / 'notes.db'}")
    with pytest.raises(StoreError, match="is no SQLite database"):
        chiplog.start_run()


def test_an_experiment_that_is_not_there_is_refused_as_ever(project: Path) -> None:
    del project
    chiplog.set_experiment("vision")
    experiment = chiplog.get_experiment_by_name("vision")
    assert experiment is not None
    chiplog.delete_experiment(experiment.experiment_id)
    with pytest.raises(InvalidValue, match="restore_experiment"):
        chiplog.start_run()
