"""What is recorded of LightGBM's scikit-learn estimators, alone and inside scikit-learn's own."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.client import TrackingClient
from chiplog.integrations.lightgbm.api import load_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    # scikit-learn's own, of an estimator that was fitted on an array
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
    pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated"),
]

lightgbm = pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")

SMALL = {"n_estimators": 3, "num_leaves": 3, "min_child_samples": 2, "n_jobs": 1, "verbose": -1}


def test_a_fit_records_what_its_training_records_and_the_estimator(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    autolog()
    model = lightgbm.LGBMClassifier(**SMALL).fit(*data, eval_set=[data], eval_names=["mine"])
    (run,) = project.top_runs()
    points = TrackingClient().get_metric_history(run.info.run_id, "mine-binary_logloss")
    assert [point.value for point in points] == model.evals_result_["mine"]["binary_logloss"]
    params = run.data.params
    assert params["num_boost_round"] == params["n_estimators"] == "3"
    assert params["objective"] == "binary"
    assert run.data.tags["estimator_class"] == "lightgbm.sklearn.LGBMClassifier"
    (output,) = run.outputs.model_outputs
    loaded = load_model(f"models:/{output.model_id}")
    assert type(loaded) is lightgbm.LGBMClassifier
    assert np.array_equal(loaded.predict_proba(data[0]), model.predict_proba(data[0]))
    receipt = project.receipt(run.info.run_id)
    assert receipt.degraded == []
    assert "signature" in {part.what for part in receipt.captured}


def test_a_fit_gives_the_same_to_the_bit(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    def fit() -> bytes:
        return pickle.dumps(lightgbm.LGBMClassifier(**SMALL, subsample=0.5).fit(*data))

    plain = fit()
    autolog()
    assert fit() == plain
    assert len(project.top_runs()) == 1


@pytest.mark.parametrize("kind", ["LGBMRegressor", "LGBMRanker"])
def test_every_estimator_is_recorded(
    project: Project, autolog: Callable[..., None], data: Any, kind: str
) -> None:
    autolog()
    group = {"group": [40, 40]} if kind == "LGBMRanker" else {}
    getattr(lightgbm, kind)(**SMALL).fit(*data, **group)
    (run,) = project.top_runs()
    assert run.data.tags["estimator_name"] == kind
    (output,) = run.outputs.model_outputs
    assert type(load_model(f"models:/{output.model_id}")).__name__ == kind


def test_a_fit_that_fails_before_training_has_its_params(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    autolog()
    with pytest.raises(ValueError, match=r"\w"):
        lightgbm.LGBMClassifier(**SMALL).fit(data[0], data[1][:3])
    (run,) = project.top_runs()
    assert run.info.status == "FAILED"
    assert run.data.params["n_estimators"] == "3"


def test_inside_a_search_only_the_search_is_recorded(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    from sklearn import model_selection

    autolog()
    flavor_autolog("sklearn")()
    model = lightgbm.LGBMClassifier(**SMALL)
    model_selection.GridSearchCV(model, {"num_leaves": [2, 3]}, cv=2).fit(*data)
    (run,) = project.top_runs()
    assert run.data.tags["estimator_name"] == "GridSearchCV"
    assert len(project.children(run.info.run_id)) == 2
    model_selection.cross_val_score(lightgbm.LGBMClassifier(**SMALL), *data, cv=2)
    assert len(project.top_runs()) == 2
