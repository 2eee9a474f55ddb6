"""Regressors: numbers are scikit-learn's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

from sklearn import metrics as skm  # noqa: E402

import chiplog  # noqa: E402 - scikit-learn may be missing
from chiplog.core.errors import InvalidValue  # noqa: E402
from chiplog.integrations.sklearn import api  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.testing.project import Project


def expected(y: Any, p: Any, weights: Any = None) -> dict[str, float]:
    how: dict[str, Any] = {"sample_weight": weights}
    return {
        "example_count": len(y),
        "mean_absolute_error": skm.mean_absolute_error(y, p, **how),
        "mean_squared_error": skm.mean_squared_error(y, p, **how),
        "root_mean_squared_error": skm.root_mean_squared_error(y, p, **how),
        "sum_on_target": y.sum() if weights is None else (y * weights).sum(),
        "mean_on_target": np.average(y, weights=weights),
        "r2_score": skm.r2_score(y, p, **how),
        "max_error": skm.max_error(y, p),
        "mean_absolute_percentage_error": skm.mean_absolute_percentage_error(y, p, **how),
    }


def evaluate(model: Any, frame: Any, **options: Any) -> Any:
    options = {"targets": "target", "model_type": "regressor", **options}
    return chiplog.models.evaluate(model, frame, **options)


def test_a_saved_regressor_is_measured_in_full(
    project: Project, regression: Any, tmp_path: Path
) -> None:
    api.save_model(regression.model, tmp_path / "model")
    result = evaluate(str(tmp_path / "model"), regression.frame)
    p = regression.model.predict(regression.X)
    found = dict(result.metrics)
    assert found.pop("score") == pytest.approx(regression.model.score(regression.X, regression.y))
    assert found == pytest.approx(expected(regression.y, p))
    assert chiplog.get_run(str(result.run_id)).data.metrics == pytest.approx(result.metrics)


def test_rows_can_have_weights(project: Project, regression: Any) -> None:
    weights = np.linspace(0.5, 2, len(regression.frame))
    config = {"sample_weights": weights}
    found = evaluate(regression.model.predict, regression.frame, evaluator_config=config).metrics
    p = regression.model.predict(regression.X)
    assert found == pytest.approx(expected(regression.y, p, weights))


def test_several_targets_are_averaged(project: Project) -> None:
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(2, 20, 3))
    result = evaluate(lambda X: p, np.zeros((20, 1)), targets=y)
    assert result.metrics["mean_squared_error"] == pytest.approx(skm.mean_squared_error(y, p))
    assert result.metrics["r2_score"] == pytest.approx(skm.r2_score(y, p))
    assert result.left_out["max_error"] == "there are 3 targets"


def test_nan_among_the_predictions_is_told_and_what_can_be_is_recorded(
    project: Project, regression: Any
) -> None:
    def predict(X: Any) -> Any:
        found = regression.model.predict(X)
        found[:3] = [np.nan, np.inf, -np.inf]
        return found

    result = evaluate(predict, regression.frame)
    assert result.metrics.keys() == {"example_count", "sum_on_target", "mean_on_target"}
    count = len(regression.frame)
    reason = f"the model predicts NaN or infinity for 3 of {count} rows"
    assert result.left_out["metrics of errors"] == reason


def test_one_row_has_no_r2(project: Project, regression: Any) -> None:
    result = evaluate(regression.model, regression.frame[:1])
    assert "r2_score" not in result.metrics
    assert result.left_out["r2_score"] == "it needs two rows"
    assert result.metrics["max_error"] == result.metrics["mean_absolute_error"]


def test_columns_of_nullable_numbers_are_measured(project: Project) -> None:
    frame = pd.DataFrame(
        {"target": pd.array([1, 2, 3], dtype="Int64"), "p": pd.array([1, 2, 5], dtype="Float64")}
    )
    assert evaluate(None, frame, predictions="p").metrics["max_error"] == 2


@pytest.mark.parametrize(
    ("predict", "text"),
    [
        (lambda X: ["a"] * len(X), "predictions of a regressor must be numbers"),
        (lambda X: [1.0], "of the shape"),
        (lambda X: np.zeros((len(X), 2)), "of the shape"),
    ],
)
def test_predictions_that_do_not_fit_are_told(
    project: Project, regression: Any, predict: Any, text: str
) -> None:
    with pytest.raises(InvalidValue, match=text):
        evaluate(predict, regression.frame)
