"""The client: MLflow's methods, parameters and edge cases."""

from __future__ import annotations

import inspect
import time
from pathlib import Path

import pytest

import chiplog
from chiplog.core import background
from chiplog.core.errors import ChiplogError, InvalidValue, NotFound
from chiplog.entities import Metric, Param, RunTag

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def client() -> chiplog.MlflowClient:
    return chiplog.MlflowClient()


@pytest.fixture
def run_id(client: chiplog.MlflowClient) -> str:
    return client.create_run("0").info.run_id


SIGNATURES = {
    "create_experiment": "name, artifact_location=None, tags=None",
    "search_experiments": (
        "view_type=1, max_results=1000, filter_string=None, order_by=None, page_token=None"
    ),
    "create_run": "experiment_id, start_time=None, tags=None, run_name=None",
    "update_run": "run_id, status=None, name=None",
    "set_terminated": "run_id, status=None, end_time=None",
    "search_runs": (
        "experiment_ids, filter_string='', run_view_type=1, max_results=1000, order_by=None, "
        "page_token=None"
    ),
    "log_metric": (
        "run_id, key, value, timestamp=None, step=None, synchronous=None, dataset_name=None, "
        "dataset_digest=None, model_id=None"
    ),
    "log_param": "run_id, key, value, synchronous=None",
    "log_batch": "run_id, metrics=(), params=(), tags=(), synchronous=None",
    "set_tag": "run_id, key, value, synchronous=None",
    "log_artifact": "run_id, local_path, artifact_path=None",
    "log_artifacts": "run_id, local_dir, artifact_path=None",
    "log_figure": "run_id, figure, artifact_file, *, save_kwargs=None",
    "log_image": (
        "run_id, image, artifact_file=None, key=None, step=None, timestamp=None, synchronous=None"
    ),
    "load_table": "experiment_id, artifact_file, run_ids=None, extra_columns=None",
    "download_artifacts": "run_id, path, dst_path=None",
    "log_inputs": "run_id, datasets=None, models=None",
    "create_logged_model": (
        "experiment_id, name=None, source_run_id=None, tags=None, params=None, model_type=None"
    ),
    "search_logged_models": (
        "experiment_ids, filter_string=None, datasets=None, max_results=None, order_by=None, "
        "page_token=None"
    ),
    "log_model_artifact": "model_id, local_path, artifact_path=None",
}


@pytest.mark.parametrize("method", SIGNATURES)
def test_parameters_and_defaults_are_those_of_mlflow(method: str) -> None:
    signature = inspect.signature(getattr(chiplog.MlflowClient, method))
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    text = str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    assert text == f"({SIGNATURES[method]})"


def test_a_created_run_is_running_and_has_no_tags_but_its_name(
    client: chiplog.MlflowClient,
) -> None:
    run = client.create_run("0", start_time=5, tags={"x": 5, "mlflow.user": "me"}, run_name="n")
    for now in (run, client.get_run(run.info.run_id)):
        assert (now.info.status, now.info.start_time, now.info.run_name) == ("RUNNING", 5, "n")
        assert now.info.user_id == "me"
        assert now.data.tags == {"x": "5", "mlflow.user": "me", "mlflow.runName": "n"}
    assert client.create_run("0").info.user_id == "unknown"
    with pytest.raises(InvalidValue, match="differ"):
        client.create_run("0", run_name="a", tags={"mlflow.runName": "b"})
    with pytest.raises(NotFound):
        client.create_run("55")


def test_a_run_is_renamed_and_its_status_changed_and_its_end_time_kept(
    client: chiplog.MlflowClient, run_id: str
) -> None:
    client.set_terminated(run_id, end_time=99)
    client.update_run(run_id, status="KILLED", name="other")
    info = client.get_run(run_id).info
    assert (info.status, info.end_time, info.run_name) == ("KILLED", 99, "other")
    assert client.get_run(run_id).data.tags["mlflow.runName"] == "other"
    with pytest.raises(Exception, match="FOO"):
        client.update_run(run_id, status="FOO")
    with pytest.raises(NotFound):
        client.set_terminated("c" * 32)


def test_a_batch_is_recorded_or_refused_as_a_whole(
    client: chiplog.MlflowClient, run_id: str
) -> None:
    client.log_batch(
        run_id,
        metrics=[Metric("a", 1.0, 10, 0), Metric("a", 2.0, 11, 1)],
        params=[Param("p", "1")],
        tags=[RunTag("t", "x")],
    )
    good = Metric("b", 1.0, 0, 0)
    for metrics, params, tags in [
        ([good, Metric("b", "x", 0, 0)], [], []),  # type: ignore[arg-type]
        ([good, Metric("b", 1.0, -5, 0)], [], []),
        ([good], [Param("p", "2")], []),
        ([good], [Param("q", "1"), Param("q", "2")], []),
        ([good], [], [RunTag("t//t", "")]),
    ]:
        with pytest.raises(InvalidValue):
            client.log_batch(run_id, metrics, params, tags)
    run = client.get_run(run_id)
    assert run.data.metrics == {"a": 2.0}
    assert run.data.params == {"p": "1"}
    assert run.data.tags["t"] == "x"


def test_a_history_is_sorted_and_empty_for_an_unknown_key(
    client: chiplog.MlflowClient, run_id: str
) -> None:
    for timestamp, step, value in [(3, 0, 1), (1, 5, 2), (1, 4, 9), (1, 4, 8)]:
        client.log_metric(run_id, "m", value, timestamp, step)
    points = [(p.timestamp, p.step, p.value) for p in client.get_metric_history(run_id, "m")]
    assert points == [(1, 4, 8.0), (1, 4, 9.0), (1, 5, 2.0), (3, 0, 1.0)]
    assert client.get_metric_history(run_id, "nope") == []


def test_writing_to_a_deleted_or_missing_run_is_refused(
    client: chiplog.MlflowClient, run_id: str
) -> None:
    client.delete_run(run_id)
    for write in (
        lambda one: client.log_metric(one, "m", 1),
        lambda one: client.log_param(one, "p", 1),
        lambda one: client.set_tag(one, "t", 1),
        lambda one: client.log_text(one, "x", "x.txt"),
    ):
        with pytest.raises(InvalidValue, match="'active' state"):
            write(run_id)
        with pytest.raises(NotFound):
            write("d" * 32)
    client.restore_run(run_id)
    client.log_param(run_id, "p", 1)
    with pytest.raises(InvalidValue, match="Changing param values"):
        client.log_param(run_id, "p", 2)


def test_pages_of_runs_carry_a_token(client: chiplog.MlflowClient) -> None:
    made = [client.create_run("0", start_time=number).info.run_id for number in range(5)]
    first = client.search_runs(["0"], max_results=3)
    second = client.search_runs("0", max_results=3, page_token=first.token)
    assert first.token
    assert not second.token
    assert [run.info.run_id for run in [*first, *second]] == made[::-1]
    assert len(client.search_runs(0)) == 5


def test_experiments_are_renamed_unless_deleted(client: chiplog.MlflowClient) -> None:
    created = client.create_experiment("e")
    client.rename_experiment(created, "f")
    assert client.get_experiment(created).name == "f"
    with pytest.raises(InvalidValue):
        client.rename_experiment(created, "")
    client.delete_experiment(created)
    with pytest.raises(ChiplogError, match="deleted") as caught:
        client.rename_experiment(created, "g")
    assert caught.value.error_code == "INVALID_STATE"
    client.restore_experiment(created)
    client.set_experiment_tag(created, "k", 1)
    assert client.get_experiment(created).tags == {"k": "1"}
    client.delete_experiment_tag(created, "k")
    assert client.get_experiment(created).tags == {}


def test_two_clients_may_write_to_two_stores(tmp_path: Path) -> None:
    clients = [chiplog.MlflowClient(f"sqlite:///{tmp_path}/{name}.db") for name in "ab"]
    for number, client in enumerate(clients):
        run = client.create_run("0", run_name=f"r{number}")
        client.log_metric(run.info.run_id, "m", number)
    for number, client in enumerate(clients):
        (run,) = client.search_runs(["0"])
        assert (run.info.run_name, run.data.metrics) == (f"r{number}", {"m": number})


def test_files_are_stored_listed_and_brought_back(
    client: chiplog.MlflowClient, run_id: str, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "one.txt").write_text("1")
    client.log_artifact(run_id, folder / "one.txt", "deep/er")
    client.log_artifact(run_id, folder)
    client.log_artifacts(run_id, folder, "contents")
    client.log_text(run_id, "é", "text.txt")
    client.log_dict(run_id, {"a": 1}, "dict.json")
    names = [(file.path, file.is_dir) for file in client.list_artifacts(run_id)]
    assert names == [
        ("contents", True),
        ("deep", True),
        ("dict.json", False),
        ("folder", True),
        ("text.txt", False),
    ]
    assert [file.path for file in client.list_artifacts(run_id, "deep/er")] == ["deep/er/one.txt"]
    target = tmp_path / "target"
    target.mkdir()
    local = client.download_artifacts(run_id, "text.txt", target)
    assert Path(local).read_text(encoding="utf-8") == "é"
    with pytest.raises(NotFound):
        client.log_artifact(run_id, tmp_path / "missing")


def test_tables_append_and_are_loaded_over_runs(client: chiplog.MlflowClient, run_id: str) -> None:
    pytest.importorskip("pandas")
    client.log_table(run_id, {"a": [1, 2]}, "t.json")
    client.log_table(run_id, {"a": [3]}, "t.json")
    frame = client.load_table("0", "t.json", extra_columns=["run_id"])
    assert list(frame["a"]) == [1, 2, 3]
    assert set(frame["run_id"]) == {run_id}


def test_logged_models_are_created_changed_found_and_deleted(
    client: chiplog.MlflowClient, run_id: str, tmp_path: Path
) -> None:
    model = client.create_logged_model("0", "net", run_id, {"t": 1}, {"p": 2}, "sklearn")
    assert model.model_id.startswith("m-")
    assert model.model_uri == f"models:/{model.model_id}"
    assert client.get_logged_model(model.model_id).status == "PENDING"
    assert client.finalize_logged_model(model.model_id, "READY").status == "READY"
    with pytest.raises(InvalidValue, match="'FOO'"):
        client.finalize_logged_model(model.model_id, "FOO")
    client.log_model_params(model.model_id, {"q": 3})
    with pytest.raises(InvalidValue, match="Changing param"):
        client.log_model_params(model.model_id, {"q": 4})
    client.set_logged_model_tags(model.model_id, {"u": 5})
    client.delete_logged_model_tag(model.model_id, "t")
    with pytest.raises(NotFound):
        client.delete_logged_model_tag(model.model_id, "t")
    (tmp_path / "weights").write_text("w")
    client.log_model_artifact(model.model_id, str(tmp_path / "weights"))
    assert [f.path for f in client.list_logged_model_artifacts(model.model_id)] == ["weights"]
    now = client.get_logged_model(model.model_id)
    assert (now.params, now.tags, now.source_run_id) == ({"p": "2", "q": "3"}, {"u": "5"}, run_id)
    (found,) = client.search_logged_models(["0"], "name = 'net'")
    assert found.model_id == model.model_id
    client.delete_logged_model(model.model_id)
    with pytest.raises(NotFound):
        client.get_logged_model(model.model_id)


def test_a_bad_model_name_is_refused(client: chiplog.MlflowClient) -> None:
    with pytest.raises(InvalidValue, match="Invalid model name"):
        client.create_logged_model("0", "a/b")
    assert client.create_logged_model("0").name


def test_the_files_of_a_deleted_run_are_listed(client: chiplog.MlflowClient, run_id: str) -> None:
    client.log_text(run_id, "x", "a.txt")
    client.delete_run(run_id)
    assert [file.path for file in client.list_artifacts(run_id)] == ["a.txt"]


def test_a_listing_waits_for_what_a_training_has_still_to_draw(
    client: chiplog.MlflowClient, run_id: str
) -> None:
    def draw() -> None:
        time.sleep(0.1)
        client.log_text(run_id, "x", "late.txt")

    background.defer(draw, failed=print)
    assert [file.path for file in client.list_artifacts(run_id)] == ["late.txt"]
