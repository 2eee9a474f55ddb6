"""What is said of saved models, and where they are looked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import chiplog
from chiplog.core.errors import ChiplogError, InvalidValue, NotFound
from chiplog.core.models.loading import local_directory, place_of

pytest.importorskip("cloudpickle")

pytestmark = pytest.mark.usefixtures("project")


def test_a_logged_model_tells_its_record_too() -> None:
    with chiplog.start_run() as run:
        chiplog.log_metric("loss", 0.5)
        logged = chiplog.pyfunc.log_model(
            name="length", python_model=len, params={"p": 1}, tags={"t": "x"}
        )
    for uri in (logged.model_uri, f"runs:/{run.info.run_id}/length", logged.artifact_path):
        info = chiplog.models.get_model_info(uri)
        assert info.model_uri == logged.model_uri
        assert (info.name, info.params, info.tags) == ("length", {"p": "1"}, {"t": "x"})
        assert [(metric.key, metric.value) for metric in info.metrics] == [("loss", 0.5)]
        assert info.run_id == run.info.run_id


def test_the_file_is_read_by_uri_and_knows_its_example() -> None:
    info = chiplog.pyfunc.log_model(python_model=len, input_example=([1, 2], {"a": 1}))
    said = chiplog.models.Model.load(info.model_uri)
    assert said.model_id == info.model_id
    assert said.load_input_example(info.artifact_path) == [1, 2]
    assert said.load_input_example_params(info.artifact_path) == {"a": 1}
    asked = json.loads(str(said.get_serving_input(info.artifact_path)))
    assert asked == {"inputs": [1, 2], "params": {"a": 1}}
    Path(info.artifact_path, "input_example.json").unlink()
    with pytest.raises(NotFound, match="lacks its input example"):
        said.load_input_example(info.artifact_path)


def test_a_model_of_a_plain_path_tells_what_its_file_says() -> None:
    chiplog.pyfunc.save_model("there", python_model=len, metadata={"team": "a"})
    info = chiplog.models.get_model_info("there")
    assert (info.model_uri, info.model_id, info.metadata) == ("there", None, {"team": "a"})
    assert chiplog.models.Model.load("there").flavors == info.flavors
    with pytest.raises(NotFound, match="no model at 'nowhere'"):
        chiplog.models.get_model_info("nowhere")


@pytest.mark.parametrize("logged", [True, False])
def test_a_signature_can_be_set_afterwards(*, logged: bool) -> None:
    signature = chiplog.models.infer_signature([1, 2], [1])
    if logged:
        uri = chiplog.pyfunc.log_model(python_model=len).model_uri
    else:
        chiplog.pyfunc.save_model("there", python_model=len)
        uri = "there"
    chiplog.models.set_signature(uri, signature)
    assert chiplog.models.get_model_info(uri).signature == signature
    model = chiplog.pyfunc.load_model(uri, allow_pickle=True)
    assert model.metadata.signature == signature
    with pytest.raises(InvalidValue, match="The signature is a dict"):
        chiplog.models.set_signature(uri, {})  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("uri", ["models:/net/1", "models:/net@best", "models:/net/latest"])
def test_a_registered_model_is_told_to_wait_for_the_registry(uri: str) -> None:
    with pytest.raises(InvalidValue, match="there is no registry yet"):
        chiplog.models.get_model_info(uri)
    with pytest.raises(ChiplogError, match="no model registry yet"):
        chiplog.pyfunc.log_model(python_model=len, registered_model_name="net")


@pytest.mark.parametrize(
    ("uri", "error", "text"),
    [
        ("", InvalidValue, "URI is empty"),
        ("runs:/abc", InvalidValue, "is incomplete"),
        ("models:/m-00000000000000000000000000000000", NotFound, "m-0000"),
        ("unheard-of://host/model", ChiplogError, "unheard-of"),
    ],
)
def test_a_uri_that_leads_nowhere_is_named(uri: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        chiplog.models.load_model(uri)


def test_a_model_below_another_path_of_a_logged_model_is_found() -> None:
    chiplog.pyfunc.save_model("inner", python_model=len)
    model = chiplog.initialize_logged_model("outer")
    chiplog.MlflowClient().log_model_artifacts(model.model_id, "inner", "sub/path")
    uri = f"models:/{model.model_id}/sub/path"
    assert chiplog.pyfunc.load_model(uri, allow_pickle=True).predict([1, 2]) == 2
    with pytest.raises(InvalidValue, match="leads out of"):
        local_directory(f"models:/{model.model_id}/../../..")


def test_a_copy_is_made_where_it_is_asked_for() -> None:
    info = chiplog.pyfunc.log_model(python_model=len)
    model = chiplog.pyfunc.load_model(info.model_uri, dst_path="copy", allow_pickle=True)
    assert list(Path("copy").rglob("python_model.pkl"))
    assert model.predict([1]) == 1


def test_a_folder_named_as_the_models_file_is_still_a_folder(tmp_path: Path) -> None:
    chiplog.pyfunc.save_model("there", python_model=len)
    shutil.copytree("there", tmp_path / "MLmodel")
    assert place_of(str(tmp_path / "MLmodel")) == (str(tmp_path / "MLmodel"), None)
    assert chiplog.pyfunc.load_model(tmp_path / "MLmodel", allow_pickle=True).predict([]) == 0
