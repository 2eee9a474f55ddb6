"""Keras models on disk, and what it takes to load them."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core.errors import CannotSave, DamagedModel, UntrustedModel
from chiplog.core.models.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

keras: Any = pytest.importorskip("keras")


class Doubled(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A layer of the user's own."""

    def call(self, x: Any) -> Any:
        return x * 2


@pytest.fixture(autouse=True)
def _without_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who changes a file can change its digest, too."""
    monkeypatch.setenv("CHIPLOG_VERIFY_MODEL_FILES", "false")


@pytest.fixture
def model() -> Any:
    """A small model."""
    keras.utils.set_random_seed(1)
    layers = [keras.Input((3,)), keras.layers.Dense(2, activation="relu")]
    return keras.Sequential(layers, name="small")


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write other things into a model's description, as somebody with bad intentions would."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("name", ["keras", "tensorflow"])
def test_what_was_saved_is_loaded_and_predicts_the_same(
    project: Project, model: Any, name: str
) -> None:
    flavor = getattr(chiplog, name)
    X = np.ones((2, 3), dtype="float32")
    flavor.save_model(model, "there", input_example=X)
    loaded = flavor.load_model("there")
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    mlmodel = Model.load("there")
    assert mlmodel.flavors[name]["data"] == "data"
    assert mlmodel.flavors["python_function"]["loader_module"] == f"mlflow.{name}"
    assert mlmodel.signature is not None
    assert (project.path / "there/data/model.keras").is_file()
    assert (project.path / "there/data/keras_module.txt").is_file()


def test_a_logged_model_is_found_by_its_uri(project: Project, model: Any) -> None:
    with chiplog.start_run():
        info = chiplog.keras.log_model(model, name="net")
    loaded = chiplog.keras.load_model(info.model_uri, load_model_kwargs={"compile": False})
    assert loaded.name == "small"
    (run,) = project.runs()
    assert [output.model_id for output in run.outputs.model_outputs] == [info.model_id]


def test_code_is_neither_saved_nor_run_unless_it_is_asked_for(project: Project) -> None:
    layers = [keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2, output_shape=(3,))]
    model = keras.Sequential(layers)
    with pytest.raises(CannotSave, match="Lambda"):
        chiplog.keras.save_model(model, "refused")
    chiplog.keras.save_model(model, "there", allow_code=True)
    with pytest.raises(UntrustedModel, match="allow_pickle=True"):
        chiplog.keras.load_model("there")
    loaded = chiplog.keras.load_model("there", allow_pickle=True)
    assert loaded.predict(np.ones((1, 3)), verbose=0).tolist() == [[2.0, 2.0, 2.0]]


def test_a_class_of_the_users_must_be_given(project: Project) -> None:
    model = keras.Sequential([keras.Input((3,)), Doubled()])
    chiplog.keras.save_model(model, "there")
    with pytest.raises(UntrustedModel, match="Doubled"):
        chiplog.keras.load_model("there")
    loaded = chiplog.keras.load_model("there", custom_objects={"Doubled": Doubled})
    assert loaded.predict(np.ones((1, 3)), verbose=0).tolist() == [[2.0, 2.0, 2.0]]
    with keras.saving.custom_object_scope({"Doubled": Doubled}):
        assert chiplog.keras.load_model("there").name == model.name


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("keras.utils", "get_file"),
        ("keras.layers", "TFSMLayer"),
        ("keras.src.utils.file_utils", "get_file"),
        ("subprocess", "Popen"),
    ],
)
def test_a_file_that_names_what_is_no_layer_is_refused_before_anything_is_imported(
    project: Project, model: Any, module: str, name: str
) -> None:
    chiplog.keras.save_model(model, "there")
    file = project.path / "there/data/model.keras"

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1].update(module=module, class_name=name)

    rewrite(file, change)
    with pytest.raises(UntrustedModel, match=name):
        chiplog.keras.load_model("there")


def test_a_function_that_names_what_is_no_part_of_a_model_is_refused(
    project: Project, model: Any
) -> None:
    chiplog.keras.save_model(model, "there")

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["activation"] = {
            "module": "keras.utils",
            "class_name": "function",
            "config": "get_file",
            "registered_name": "function",
        }

    rewrite(project.path / "there/data/model.keras", change)
    with pytest.raises(UntrustedModel, match="get_file"):
        chiplog.keras.load_model("there")


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "TFSMLayer", "config": {"filepath": "elsewhere"}},
        {
            "module": "keras.layers",
            "class_name": "StringLookup",
            "config": {"vocabulary": "/etc/hostname"},
            "registered_name": None,
        },
        {
            "module": "os",
            "class_name": "__typespec__",
            "spec_name": "system",
            "config": [],
            "registered_name": None,
        },
    ],
)
def test_a_part_that_reaches_beyond_the_file_is_refused(
    project: Project, model: Any, layer: dict[str, Any]
) -> None:
    chiplog.keras.save_model(model, "there")

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1] = layer

    rewrite(project.path / "there/data/model.keras", change)
    with pytest.raises(UntrustedModel, match=str(layer["class_name"])):
        chiplog.keras.load_model("there")


def test_a_known_class_does_not_vouch_for_another_of_its_name(project: Project) -> None:
    chiplog.keras.save_model(keras.Sequential([keras.Input((3,)), Doubled()]), "there")

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1].update(module="antigravity", registered_name="Other")

    rewrite(project.path / "there/data/model.keras", change)
    with pytest.raises(UntrustedModel, match="antigravity"):
        chiplog.keras.load_model("there", custom_objects={"Doubled": Doubled})


def test_a_file_that_goes_by_another_ending_is_not_read_as_what_that_says(
    project: Project, model: Any
) -> None:
    chiplog.keras.save_model(model, "there")
    file = project.path / "there/data/model.keras"
    file.rename(file.with_suffix(".h5"))
    file.symlink_to("model.h5")
    with pytest.raises(DamagedModel, match=r"\.keras"):
        chiplog.keras.load_model("there")


def test_what_is_no_model_is_called_damaged(project: Project, model: Any) -> None:
    chiplog.keras.save_model(model, "there")
    (project.path / "there/data/model.keras").write_bytes(b"nothing of the kind")
    with pytest.raises(DamagedModel, match=r"model\.keras"):
        chiplog.keras.load_model("there")


def test_autologging_says_why_a_model_with_code_is_not_saved(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Lambda(lambda x: x[:, :1], output_shape=(1,))]
    )
    model.compile(loss="mse", run_eagerly=True)
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse", run_eagerly=True)
    autolog()
    model.fit(*data, epochs=1, verbose=0)
    (run,) = project.runs()
    reasons = {entry.what: entry.reason for entry in project.receipt(run.info.run_id).skipped}
    assert "Lambda" in reasons["model 'model'"]
    assert run.info.status == "FINISHED"
