"""Saving and loading LightGBM's models."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.errors import DamagedModel, UntrustedModel
from chiplog.core.models.flavor import flavor_for
from chiplog.core.models.model import Model
from chiplog.integrations.lightgbm.api import load_model, log_model, save_model

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    # scikit-learn's own, of an estimator that was fitted on an array
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]

lightgbm = pytest.importorskip("lightgbm")

PARAMS = {"num_leaves": 3, "min_child_samples": 2, "verbose": -1, "num_threads": 1}


@pytest.fixture(scope="module")
def booster(data: Any) -> Any:
    """A trained booster."""
    return lightgbm.train(PARAMS, lightgbm.Dataset(*data), 3)


@pytest.fixture(scope="module")
def classifier(data: Any) -> Any:
    """A fitted estimator."""
    return lightgbm.LGBMClassifier(n_estimators=2, **PARAMS).fit(*data)


def test_a_booster_comes_back(tmp_path: Path, booster: Any, data: Any) -> None:
    save_model(booster, tmp_path / "m", input_example=data[0][:2])
    model = Model.load(tmp_path / "m")
    assert model.flavors["lightgbm"]["model_class"] == "lightgbm.basic.Booster"
    assert model.flavors["lightgbm"]["data"] == "model.lgb"
    assert model.flavors["python_function"]["loader_module"] == "mlflow.lightgbm"
    assert model.signature is not None
    assert (tmp_path / "m" / "model.lgb").read_text().startswith("tree")
    assert np.array_equal(load_model(tmp_path / "m").predict(data[0]), booster.predict(data[0]))


def test_save_models_own_arguments_are_handed_on(tmp_path: Path, booster: Any) -> None:
    save_model(booster, tmp_path / "m", num_iteration=2)
    assert load_model(tmp_path / "m").current_iteration() == 2


def test_an_estimator_comes_back_without_being_trusted(
    project: Project, classifier: Any, data: Any
) -> None:
    import chiplog

    with chiplog.start_run():
        info = log_model(classifier)
    (run,) = project.top_runs()
    assert run.outputs.model_outputs[0].model_id == info.model_id
    loaded = chiplog.lightgbm.load_model(info.model_uri)
    assert np.array_equal(loaded.predict_proba(data[0]), classifier.predict_proba(data[0]))


def test_a_pickled_estimator_is_not_read_without_trust(
    tmp_path: Path, classifier: Any, data: Any
) -> None:
    save_model(classifier, tmp_path / "m", serialization_format="cloudpickle")
    with pytest.raises(UntrustedModel, match="LGBMClassifier"):
        load_model(tmp_path / "m")
    loaded = load_model(tmp_path / "m", allow_pickle=True)
    assert np.array_equal(loaded.predict(data[0]), classifier.predict(data[0]))


def test_a_file_that_is_no_model_is_damaged(tmp_path: Path, booster: Any) -> None:
    save_model(booster, tmp_path / "m")
    (tmp_path / "m" / "model.lgb").write_text("nothing of the kind")
    with pytest.raises(DamagedModel, match=r"model\.lgb"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize("handle", [None, 12345])
def test_an_estimator_whose_booster_leads_nowhere_is_damaged(
    tmp_path: Path, classifier: Any, handle: object
) -> None:
    save_model(classifier, tmp_path / "m")
    file = tmp_path / "m" / "model.skops"
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(content["schema.json"])
    found = _node(schema, "Booster")["content"]["content"]["_handle"]
    found["content"] = json.dumps(handle)
    content["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    file.write_bytes(buffer.getvalue())
    with pytest.raises(DamagedModel):
        load_model(tmp_path / "m")


def test_the_flavor_is_found_by_the_model(booster: Any, classifier: Any) -> None:
    for model in (booster, classifier):
        found = flavor_for(model)
        assert found is not None
        assert found.name == "lightgbm"


def _node(tree: Any, cls: str) -> Any:
    """The first record of that class in a skops schema."""
    if isinstance(tree, dict):
        if tree.get("__class__") == cls:
            return tree
        tree = list(tree.values())
    for part in tree if isinstance(tree, list) else ():
        found = _node(part, cls)
        if found is not None:
            return found
    return None
