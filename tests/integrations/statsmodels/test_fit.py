"""What is recorded of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core import background

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

pytest.importorskip("statsmodels")


def fit(frame: Any) -> Any:
    """A regression by a formula."""
    import statsmodels.formula.api as smf

    return smf.ols("y ~ a + b * C(kind)", frame).fit(cov_type="HC1")


def test_a_fit_records_how_it_fitted_and_how_well(
    project: Project, autolog: Callable[..., None], frame: Any
) -> None:
    autolog()
    result = fit(frame)
    background.flush(60)
    (run,) = project.top_runs()
    assert run.data.tags["mlflow.autologging"] == "statsmodels"
    assert run.data.tags["estimator_name"] == "OLS"
    assert run.data.params["formula"] == "y ~ a + b * C(kind)"
    assert run.data.params["cov_type"] == "HC1"
    assert run.data.params["method"] == "pinv"  # a default
    assert run.data.metrics["rsquared"] == result.rsquared
    assert run.data.metrics["aic"] == result.aic
    assert run.data.metrics["df_model"] == 4
    text = chiplog.artifacts.load_text(f"{run.info.artifact_uri}/model_summary.txt")
    assert "OLS Regression Results" in text
    (given,) = run.inputs.dataset_inputs
    assert '"num_rows":40' in (given.dataset.profile or "").replace(" ", "")


def test_a_summary_that_needs_further_fits_makes_no_runs(
    project: Project, autolog: Callable[..., None], frame: Any
) -> None:
    from statsmodels.discrete.discrete_model import Logit

    autolog()
    result = Logit(frame["y"] > 0, frame[["a", "b"]]).fit(disp=0)
    background.flush(60)
    (run,) = project.runs()
    text = chiplog.artifacts.load_text(f"{run.info.artifact_uri}/model_summary.txt")
    assert "LL-Null" in text
    assert "llnull" not in result._results.__dict__.get("_cache", {})


def test_every_kind_of_result_is_recorded_as_far_as_it_goes(
    project: Project, autolog: Callable[..., None]
) -> None:
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tsa.arima.model import ARIMA
    from statsmodels.tsa.vector_ar.var_model import VAR

    autolog(serialization_format="pickle", log_input_examples=True)
    rows = np.random.RandomState(0).normal(size=(50, 3))
    OLS(rows[:, 0], rows).fit_regularized(alpha=0.1)  # has no summary
    VAR(rows).fit(1)  # has one of another form
    ARIMA(rows[:, 0], order=(1, 0, 0)).fit()  # predicts from no rows
    background.flush(60)
    runs = {run.data.tags["estimator_name"]: run for run in project.top_runs()}
    assert runs.keys() == {"OLS", "VAR", "ARIMA"}
    for name, run in runs.items():
        receipt = project.receipt(run.info.run_id)
        assert receipt.degraded == [
            one for one in receipt.degraded if "allow_pickle=True" in one.reason
        ], name
        assert len(run.outputs.model_outputs) == 1
    text = chiplog.artifacts.load_text(f"{runs['VAR'].info.artifact_uri}/model_summary.txt")
    assert "Summary of Regression Results" in text


def test_a_model_is_stored_only_as_the_pickle_that_was_asked_for(
    project: Project, autolog: Callable[..., None], frame: Any
) -> None:
    autolog()
    fit(frame)
    autolog(serialization_format="pickle", log_input_examples=True)
    result = fit(frame)
    without, run = sorted(project.top_runs(), key=lambda one: one.info.start_time)
    assert without.outputs.model_outputs == []
    (skipped,) = project.receipt(without.info.run_id).skipped
    assert "serialization_format='pickle'" in skipped.reason
    assert len(chiplog.search_logged_models(output_format="list")) == 1
    (output,) = run.outputs.model_outputs
    loaded = chiplog.pyfunc.load_model(f"models:/{output.model_id}", allow_pickle=True)
    schema = loaded.metadata.get_input_schema()
    assert schema is not None
    assert schema.input_names() == ["a", "b", "kind"]
    assert loaded.input_example.shape == (5, 3)
    assert np.array_equal(loaded.predict(frame), result.predict(frame))


def test_models_that_are_imported_or_defined_later_are_watched(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    from statsmodels.base.model import GenericLikelihoodModel
    from statsmodels.tsa.ar_model import AutoReg

    class Mine(GenericLikelihoodModel):  # type: ignore[misc]  # statsmodels has no types
        def loglike(self, params: Any) -> Any:
            return -((self.endog - params[0]) ** 2).sum()

        def predict(self, params: Any, exog: Any = None) -> Any:
            return np.full(len(self.endog if exog is None else exog), params[0])

        def fit(self, **kwargs: Any) -> Any:
            return super().fit(start_params=np.zeros(1), disp=0, method="bfgs", **kwargs)

    values = np.random.RandomState(0).normal(size=30)
    AutoReg(values, lags=1).fit()
    Mine(values, np.ones((30, 1))).fit()
    names = {run.data.tags["estimator_name"] for run in project.top_runs()}
    assert names == {"AutoReg", "Mine"}
