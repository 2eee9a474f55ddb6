"""Saving and loading XGBoost's models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.errors import DamagedModel, InvalidValue, UntrustedModel
from chiplog.core.models.flavor import flavor_for
from chiplog.core.models.model import Model

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

xgboost = pytest.importorskip("xgboost")


@pytest.fixture(scope="module")
def booster(data: Any) -> Any:
    """A trained booster."""
    return xgboost.train({"max_depth": 2, "nthread": 1}, xgboost.DMatrix(*data), 2)


@pytest.mark.parametrize("form", ["ubj", "json"])
def test_a_booster_comes_back(tmp_path: Path, booster: Any, data: Any, form: str) -> None:
    from chiplog.integrations.xgboost.api import load_model, save_model

    save_model(booster, tmp_path / "m", model_format=form, input_example=data[0][:2])
    model = Model.load(tmp_path / "m")
    assert model.flavors["xgboost"]["model_class"] == "xgboost.core.Booster"
    assert model.flavors["xgboost"]["data"] == f"model.{form}"
    assert model.flavors["python_function"]["loader_module"] == "mlflow.xgboost"
    assert model.signature is not None
    assert "xgboost" in (tmp_path / "m" / "requirements.txt").read_text()
    loaded = load_model(tmp_path / "m")
    matrix = xgboost.DMatrix(data[0])
    assert np.array_equal(loaded.predict(matrix), booster.predict(matrix))


def test_log_model_puts_it_into_the_active_run(project: Project, booster: Any) -> None:
    import chiplog
    from chiplog.integrations.xgboost.api import load_model, log_model

    with chiplog.start_run():
        info = log_model(booster, name="mine")
    (run,) = project.top_runs()
    assert run.outputs.model_outputs[0].model_id == info.model_id
    assert load_model(info.model_uri).num_boosted_rounds() == 2
    assert chiplog.xgboost.load_model(info.model_uri).num_boosted_rounds() == 2


def test_a_class_that_is_not_xgboosts_is_not_imported_without_trust(
    tmp_path: Path, booster: Any
) -> None:
    from chiplog.integrations.xgboost.api import load_model, save_model

    save_model(booster, tmp_path / "m")
    file = tmp_path / "m" / "MLmodel"
    file.write_text(file.read_text().replace("xgboost.core.Booster", "antigravity.Booster"))
    with pytest.raises(UntrustedModel, match=r"antigravity\.Booster"):
        load_model(tmp_path / "m")


def test_a_file_that_is_cut_off_is_damaged(tmp_path: Path, booster: Any) -> None:
    from chiplog.integrations.xgboost.api import load_model, save_model

    save_model(booster, tmp_path / "m")
    file = tmp_path / "m" / "model.ubj"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DamagedModel, match=r"model\.ubj"):
        load_model(tmp_path / "m")


def test_an_unknown_format_is_refused(tmp_path: Path, booster: Any) -> None:
    from chiplog.integrations.xgboost.api import save_model

    with pytest.raises(InvalidValue, match="'binary'"):
        save_model(booster, tmp_path / "m", model_format="binary")


def test_the_flavor_is_found_by_the_model(booster: Any) -> None:
    found = flavor_for(booster)
    assert found is not None
    assert found.name == "xgboost"


def test_an_estimator_is_xgboosts_though_it_is_in_scikit_learns_manner() -> None:
    import xgboost

    found = flavor_for(xgboost.XGBClassifier())
    assert found is not None
    assert found.name == "xgboost"
