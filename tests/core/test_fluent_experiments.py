"""Experiments with the module's functions, and which experiment a run lands in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import chiplog
from chiplog.core.errors import AlreadyExists, InvalidValue, NotFound

pytestmark = pytest.mark.usefixtures("project")


def lands_in() -> str:
    with chiplog.start_run() as run:
        return run.info.experiment_id


def test_the_default_experiment_is_there_from_the_start() -> None:
    assert lands_in() == "0"
    assert chiplog.get_experiment("0").name == "Default"


def test_an_experiment_is_created_once() -> None:
    created = chiplog.create_experiment("e", tags={"a": "1"})
    experiment = chiplog.get_experiment(created)
    assert (experiment.name, experiment.tags) == ("e", {"a": "1"})
    with pytest.raises(AlreadyExists):
        chiplog.create_experiment("e")


@pytest.mark.parametrize("name", ["", "  ", 5, "x" * 501])
def test_a_bad_name_creates_nothing(name: object) -> None:
    with pytest.raises(InvalidValue):
        chiplog.create_experiment(name)  # type: ignore[arg-type]
    assert [e.name for e in chiplog.search_experiments()] == ["Default"]


def test_a_tag_that_is_no_string_creates_nothing() -> None:
    with pytest.raises(TypeError, match="'a' must be a string, not 1"):
        chiplog.create_experiment("e", tags={"a": 1})
    assert chiplog.get_experiment_by_name("e") is None


def test_choosing_an_unknown_name_creates_it_for_this_process_and_its_children() -> None:
    experiment = chiplog.set_experiment("new")
    assert lands_in() == experiment.experiment_id
    assert os.environ["MLFLOW_EXPERIMENT_ID"] == experiment.experiment_id
    assert chiplog.set_experiment("new").experiment_id == experiment.experiment_id


def test_exactly_one_of_name_and_id_chooses() -> None:
    with pytest.raises(InvalidValue, match="exactly one"):
        chiplog.set_experiment()
    with pytest.raises(InvalidValue, match="exactly one"):
        chiplog.set_experiment("e", experiment_id="0")
    with pytest.raises(NotFound):
        chiplog.set_experiment(experiment_id="99")


def test_a_deleted_experiment_takes_no_runs_until_it_is_restored() -> None:
    created = chiplog.create_experiment("e")
    with chiplog.start_run(experiment_id=created) as run:
        pass
    chiplog.delete_experiment(created)
    assert chiplog.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(InvalidValue, match="deleted"):
        chiplog.set_experiment(experiment_id=created)
    with pytest.raises(InvalidValue, match="'active' state"):
        chiplog.start_run(experiment_id=created)
    chiplog.restore_experiment(created)
    assert chiplog.get_run(run.info.run_id).info.lifecycle_stage == "active"
    with chiplog.start_run(experiment_id=created):
        pass


def test_the_environment_may_name_the_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from-name")
    named = chiplog.get_experiment(lands_in())
    assert named.name == "from-name"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    with pytest.raises(InvalidValue, match="MLFLOW_EXPERIMENT_NAME='from-name'"):
        chiplog.start_run()
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    assert lands_in() == "0"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "77")
    with pytest.raises(InvalidValue, match="MLFLOW_EXPERIMENT_ID='77'"):
        chiplog.start_run()


def test_what_is_set_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from-name")
    chosen = chiplog.set_experiment("chosen")
    assert lands_in() == chosen.experiment_id


def test_tags_of_the_active_experiment_are_set_and_deleted() -> None:
    chiplog.set_experiment("e")
    chiplog.set_experiment_tag("a", 5)
    chiplog.set_experiment_tags({"b": 6})
    experiment = chiplog.get_experiment_by_name("e")
    assert experiment is not None
    assert experiment.tags == {"a": "5", "b": "6"}
    chiplog.delete_experiment_tag("a")
    with pytest.raises(NotFound, match="no tag 'a'"):
        chiplog.delete_experiment_tag("a")
    with pytest.raises(InvalidValue, match="20001 characters"):
        chiplog.set_experiment_tag("a", "x" * 20_001)


def test_searching_experiments_follows_the_pages() -> None:
    names = [f"e{number}" for number in range(5)]
    for name in names:
        chiplog.create_experiment(name)
    assert {e.name for e in chiplog.search_experiments()} == {"Default", *names}
    assert len(chiplog.search_experiments(max_results=2)) == 2
    assert [e.name for e in chiplog.search_experiments(filter_string="name = 'e3'")] == ["e3"]


def test_artifacts_lie_where_the_experiment_says(tmp_path: os.PathLike[str]) -> None:
    place = os.fspath(tmp_path) + "/elsewhere"
    created = chiplog.create_experiment("e", artifact_location=place)
    with chiplog.start_run(experiment_id=created) as run:
        assert chiplog.get_artifact_uri() == run.info.artifact_uri
        assert str(run.info.artifact_uri).endswith(f"/elsewhere/{run.info.run_id}/artifacts")
        assert chiplog.get_artifact_uri("a/b") == f"{run.info.artifact_uri}/a/b"
        chiplog.log_text("hello", "a.txt")
    assert (Path(place) / run.info.run_id / "artifacts/a.txt").exists()
