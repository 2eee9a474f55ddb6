"""Logged models: new ones, ones that are there already, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chiplog
from chiplog.core.errors import InvalidValue, MissingLibrary, NotFound

pytest.importorskip("cloudpickle")

pytestmark = pytest.mark.usefixtures("project")


def test_files_are_added_to_a_logged_model_that_is_there_already() -> None:
    model = chiplog.initialize_logged_model("net", params={"p": 1}, tags={"t": 1})
    info = chiplog.pyfunc.log_model(
        name="another", python_model=len, model_id=model.model_id, params={"q": 2}, tags={"u": 3}
    )
    assert (info.model_id, info.name) == (model.model_id, "net")
    found = chiplog.get_logged_model(model.model_id)
    assert (found.status, found.params, found.tags) == (
        "READY",
        {"p": "1", "q": "2"},
        {"t": "1", "u": "3"},
    )
    assert chiplog.pyfunc.load_model(info.model_uri, allow_pickle=True).predict([1]) == 1


def test_a_checkpoint_of_each_step_has_the_metrics_of_its_step() -> None:
    infos = []
    with chiplog.start_run() as run:
        for step in (1, 2):
            chiplog.log_metric("loss", 1 / step, step=step)
            infos.append(chiplog.pyfunc.log_model(name="net", python_model=len, step=step))
            chiplog.log_metric("accuracy", step / 2, step=step)
    outputs = chiplog.get_run(run.info.run_id).outputs.model_outputs
    assert [(one.model_id, one.step) for one in outputs] == [
        (info.model_id, step) for info, step in zip(infos, (1, 2), strict=True)
    ]
    for info, step in zip(infos, (1, 2), strict=True):
        metrics = chiplog.get_logged_model(str(info.model_id)).metrics
        assert {(metric.key, metric.value) for metric in metrics} == {
            ("loss", 1 / step),
            ("accuracy", step / 2),
        }
    # The name means the newest.
    newest = chiplog.pyfunc.load_model(f"runs:/{run.info.run_id}/net", allow_pickle=True)
    assert newest.model_id == infos[-1].model_id


def test_a_model_logged_outside_of_a_run_starts_none() -> None:
    info = chiplog.pyfunc.log_model(python_model=len)
    assert info.run_id is None
    assert chiplog.active_run() is None
    assert not chiplog.search_runs(output_format="list")
    last = chiplog.last_logged_model()
    assert last is not None
    assert last.model_id == info.model_id


def test_a_model_that_cannot_be_saved_is_failed_but_one_that_was_ready_stays_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = chiplog.pyfunc.log_model(python_model=len)
    monkeypatch.setitem(__import__("sys").modules, "cloudpickle", None)
    for given in ({"model_id": ready.model_id}, {"name": "broken"}):
        with pytest.raises(MissingLibrary):
            chiplog.pyfunc.log_model(python_model=len, **given)
    assert chiplog.get_logged_model(str(ready.model_id)).status == "READY"
    failed = [
        model
        for model in chiplog.search_logged_models(output_format="list")
        if model.name == "broken"
    ]
    assert [(model.status, "cloudpickle" in str(model.status_message)) for model in failed] == [
        ("FAILED", True)
    ]


def test_a_model_that_is_not_there_gets_no_files() -> None:
    with pytest.raises(NotFound):
        chiplog.pyfunc.log_model(python_model=len, model_id="m-" + 32 * "0")
    with pytest.raises(InvalidValue, match="old spelling"):
        chiplog.pyfunc.log_model("a", python_model=len, name="b")


def test_a_metric_measured_on_data_links_run_model_and_data() -> None:
    data: Any = chiplog.data.from_numpy(__import__("numpy").ones((4, 2)), name="held-out")
    model = chiplog.initialize_logged_model("net")
    with chiplog.start_run() as run:
        for step in range(3):
            chiplog.log_metric("f1", 0.5, step, model_id=model.model_id, dataset=data)
        chiplog.log_metrics({"auc": 0.7}, model_id=model.model_id, dataset=data)
    inputs = chiplog.get_run(run.info.run_id).inputs.dataset_inputs
    assert [one.dataset.name for one in inputs] == ["held-out"]
    metrics = chiplog.get_logged_model(model.model_id).metrics
    assert {(metric.key, metric.dataset_name) for metric in metrics} == {
        ("f1", "held-out"),
        ("auc", "held-out"),
    }
    found = chiplog.search_logged_models(
        datasets=[{"dataset_name": "held-out"}], output_format="list"
    )
    assert [one.model_id for one in found] == [model.model_id]


def test_an_external_models_file_says_so() -> None:
    model = chiplog.create_external_model("elsewhere")
    text = Path(model.artifact_location, "MLmodel").read_text(encoding="utf-8")
    assert "mlflow.model.isExternal: true" in text
    assert chiplog.get_logged_model(model.model_id).status == "READY"
