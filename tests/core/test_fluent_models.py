"""Logged models with the module's functions."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import chiplog
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.runs import active
from chiplog.core.stores import open_tracking_store

pytestmark = pytest.mark.usefixtures("project")


def test_a_model_belongs_to_the_active_run_and_is_pending_until_finalized() -> None:
    with chiplog.start_run() as run:
        model = chiplog.initialize_logged_model("net", params={"a": 1}, tags={"t": 2})
    assert model.source_run_id == run.info.run_id
    assert model.artifact_location.endswith(f"/models/{model.model_id}/artifacts")
    assert chiplog.get_logged_model(model.model_id).status == "PENDING"
    ready = chiplog.finalize_logged_model(model.model_id, "READY")
    assert (ready.status, ready.params, ready.tags) == ("READY", {"a": "1"}, {"t": "2"})
    with pytest.raises(InvalidValue, match="'FOO'"):
        chiplog.finalize_logged_model(model.model_id, "FOO")


def test_a_model_without_a_name_gets_one() -> None:
    assert chiplog.initialize_logged_model().name
    with pytest.raises(InvalidValue, match="Invalid model name"):
        chiplog.initialize_logged_model("a/b")


def test_the_last_model_is_the_threads_own() -> None:
    assert chiplog.last_logged_model() is None
    model = chiplog.initialize_logged_model("m")
    last = chiplog.last_logged_model()
    assert last is not None
    assert last.model_id == model.model_id
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(chiplog.last_logged_model()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_the_active_model_is_the_newest_of_its_name_or_a_new_external_one() -> None:
    with pytest.raises(InvalidValue, match="name or the model_id"):
        chiplog.set_active_model()
    external = chiplog.set_active_model(name="net")
    assert chiplog.get_logged_model(external.model_id).tags["mlflow.model.isExternal"] == "true"
    assert chiplog.set_active_model(name="net").model_id == external.model_id
    newer = chiplog.initialize_logged_model("net")
    with chiplog.set_active_model(name="net") as chosen:
        assert chosen.model_id == newer.model_id
        chiplog.log_model_params({"p": 1})
    assert chiplog.get_active_model_id() == external.model_id
    chiplog.clear_active_model()
    assert chiplog.get_active_model_id() is None
    assert chiplog.get_logged_model(newer.model_id).params == {"p": "1"}
    with pytest.raises(NotFound):
        chiplog.set_active_model(model_id="m-nope")
    with pytest.raises(InvalidValue, match="No model is active"):
        chiplog.log_model_params({"p": 1})


def test_the_environment_may_name_the_active_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = chiplog.initialize_logged_model("m")
    monkeypatch.setenv("MLFLOW_ACTIVE_MODEL_ID", model.model_id)
    active.clear_thread()
    with chiplog.start_run():
        chiplog.log_metric("score", 1)
    (metric,) = chiplog.get_logged_model(model.model_id).metrics
    assert (metric.key, metric.value) == ("score", 1.0)


def test_models_are_found_as_a_frame_or_a_list() -> None:
    pandas = pytest.importorskip("pandas")
    for number in range(3):
        chiplog.initialize_logged_model(f"m{number}")
    frame = chiplog.search_logged_models()
    assert isinstance(frame, pandas.DataFrame)
    assert set(frame["name"]) == {"m0", "m1", "m2"}
    listed = chiplog.search_logged_models(
        filter_string="name = 'm1'",
        order_by=[{"field_name": "creation_timestamp"}],
        output_format="list",
    )
    assert [model.name for model in listed] == ["m1"]
    assert len(chiplog.search_logged_models(max_results=2, output_format="list")) == 2
    with pytest.raises(InvalidValue, match="output format"):
        chiplog.search_logged_models(output_format="x")


def test_a_deleted_model_is_found_no_more_and_its_garbage_is_collected() -> None:
    client = chiplog.MlflowClient()
    kept, gone = (chiplog.initialize_logged_model(name) for name in ("kept", "gone"))
    Path("weights").write_text("w", encoding="utf-8")
    client.log_model_artifact(gone.model_id, "weights")
    client.delete_logged_model(gone.model_id)
    with pytest.raises(NotFound):
        chiplog.get_logged_model(gone.model_id)
    found = chiplog.search_logged_models(output_format="list")
    assert [model.model_id for model in found] == [kept.model_id]
    report = open_tracking_store(chiplog.get_tracking_uri()).collect_garbage()
    assert (report.models, report.artifact_files) == (1, 1)
    assert not Path(gone.artifact_location).joinpath("weights").exists()


def test_checkpoints_become_external_models(tmp_path: Path) -> None:
    for name in ("epoch1", "epoch2"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    models = chiplog.import_checkpoints(str(tmp_path / "checkpoints"), model_prefix="net-")
    assert [model.name for model in models] == ["net-epoch1", "net-epoch2"]
    assert models[0].tags["original_artifact_path"] == str(tmp_path / "checkpoints" / "epoch1")
    assert chiplog.import_checkpoints(str(tmp_path / "checkpoints"), model_prefix="net-") == []
    with pytest.raises(NotFound):
        chiplog.import_checkpoints("nowhere")


def test_an_active_model_has_the_fields_of_a_model_and_no_others() -> None:
    made = chiplog.initialize_logged_model("net")
    outer = chiplog.set_active_model(name="net")
    with chiplog.set_active_model(model_id=chiplog.initialize_logged_model("other").model_id):
        pass
    assert chiplog.get_active_model_id() == made.model_id
    assert outer.to_dictionary() == chiplog.get_logged_model(made.model_id).to_dictionary()
