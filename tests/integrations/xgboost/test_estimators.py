"""What is recorded of XGBoost's scikit-learn estimators, alone and inside scikit-learn's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.client import TrackingClient
from chiplog.core.tags import PARENT_RUN_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

xgboost = pytest.importorskip("xgboost")
pytest.importorskip("sklearn")

SMALL = {"n_estimators": 3, "max_depth": 2, "n_jobs": 1}


def test_a_fit_records_what_its_training_records_and_the_estimator(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    autolog()
    model = xgboost.XGBClassifier(**SMALL).fit(*data, eval_set=[data], verbose=False)
    (run,) = project.top_runs()
    points = TrackingClient().get_metric_history(run.info.run_id, "validation_0-logloss")
    assert [point.value for point in points] == model.evals_result()["validation_0"]["logloss"]
    params = run.data.params
    assert params["num_boost_round"] == params["n_estimators"] == "3"
    assert params["objective"] == "binary:logistic"
    assert run.data.tags["estimator_class"] == "xgboost.sklearn.XGBClassifier"
    assert run.data.metrics["num_boosted_rounds"] == 3
    (output,) = run.outputs.model_outputs
    from chiplog.integrations.xgboost.api import load_model

    loaded = load_model(f"models:/{output.model_id}")
    assert type(loaded) is xgboost.XGBClassifier
    assert np.array_equal(loaded.predict_proba(data[0]), model.predict_proba(data[0]))


@pytest.mark.parametrize("kind", ["XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"])
def test_every_estimator_is_recorded(
    project: Project, autolog: Callable[..., None], data: Any, kind: str
) -> None:
    autolog()
    group = {"group": [40, 40]} if kind == "XGBRanker" else {}
    getattr(xgboost, kind)(**SMALL).fit(*data, **group)
    (run,) = project.top_runs()
    assert run.data.tags["estimator_name"] == kind
    assert len(run.outputs.model_outputs) == 1
    assert project.receipt(run.info.run_id).degraded == []


def test_a_fit_that_fails_before_training_has_its_params(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    autolog()
    with pytest.raises(ValueError, match=r"\w"):
        xgboost.XGBClassifier(**SMALL).fit(data[0], data[1] + 5)
    (run,) = project.top_runs()
    assert run.info.status == "FAILED"
    assert run.data.params["n_estimators"] == "3"
    xgboost.XGBClassifier(**SMALL).fit(*data)
    assert [run.info.status for run in project.top_runs()] == ["FAILED", "FINISHED"]


def test_a_fit_inside_a_fits_callback_is_left_alone(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    class Inner(xgboost.callback.TrainingCallback):  # type: ignore[misc, name-defined]  # untyped
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            xgboost.XGBRegressor(**SMALL).fit(*data, eval_set=[data], verbose=False)
            return False

    autolog()
    xgboost.XGBClassifier(**SMALL, callbacks=[Inner()]).fit(*data, eval_set=[data], verbose=False)
    (run,) = project.runs()
    assert "validation_0-rmse" not in run.data.metrics
    assert "validation_0-logloss" in run.data.metrics


def test_inside_a_search_only_the_search_is_recorded(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    from sklearn import model_selection

    autolog()
    flavor_autolog("sklearn")()
    model_selection.GridSearchCV(xgboost.XGBClassifier(**SMALL), {"max_depth": [1, 2]}, cv=2).fit(
        *data
    )
    (run,) = project.top_runs()
    assert run.data.tags["estimator_name"] == "GridSearchCV"
    children = [other for other in project.runs() if PARENT_RUN_ID in other.data.tags]
    assert len(children) == 2
    told = project.receipt(run.info.run_id)
    lines = {part.what for part in told.captured} | {line.what for line in told.skipped}
    assert "model 'model'" in lines
    model_selection.cross_val_score(xgboost.XGBClassifier(**SMALL), *data, cv=2)
    assert len(project.top_runs()) == 2


def test_a_pipeline_around_xgboost_is_recorded_as_the_pipeline(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    autolog()
    flavor_autolog("sklearn")()
    make_pipeline(StandardScaler(), xgboost.XGBClassifier(**SMALL)).fit(*data)
    (run,) = project.runs()
    assert run.data.tags["estimator_name"] == "Pipeline"
    assert run.data.params["xgbclassifier__max_depth"] == "2"
    told = project.receipt(run.info.run_id)
    about = [line for line in (*told.skipped, *told.degraded) if line.what == "model 'model'"]
    assert about, "what became of the model is said"


def test_input_examples_are_stored_when_asked_for(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    import pandas as pd

    autolog(log_input_examples=True)
    frame = pd.DataFrame(data[0], columns=["a", "b", "c"])
    xgboost.XGBClassifier(**SMALL).fit(frame, data[1])
    xgboost.train({"max_depth": 1, "nthread": 1}, xgboost.DMatrix(frame, data[1]), 1)
    for run in project.top_runs():
        (output,) = run.outputs.model_outputs
        where = TrackingClient().get_logged_model(output.model_id).artifact_location
        from chiplog.core.models.model import Model

        model = Model.load(where)
        assert model.signature is not None
        assert model.signature.inputs is not None
        assert model.signature.inputs.input_names() == ["a", "b", "c"]
        assert model.saved_input_example_info is not None
