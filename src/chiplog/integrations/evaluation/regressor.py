"""How well a regressor does: scikit-learn's metrics, and predicted against true values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import metrics as skm

from chiplog.core.errors import InvalidValue
from chiplog.core.evaluation.values import as_values

if TYPE_CHECKING:
    import numpy.typing as npt

    from chiplog.core.evaluation.evaluator import EvaluationTask, Findings

    Values = npt.NDArray[Any]


def measure_regressor(task: EvaluationTask, findings: Findings) -> npt.NDArray[Any]:
    """Measure a regressor; hands back the predicted values."""
    dataset, subject = task.dataset, task.model
    assert dataset.labels is not None, "it was checked before"
    given = dataset.predictions
    if subject is not None:
        given = as_values(subject.predict(dataset.features))
    true, predicted = _numbers("targets", dataset.labels), _numbers("predictions", given)
    if true.shape != predicted.shape:
        raise InvalidValue(
            f"The model gives predictions of the shape {predicted.shape} for targets of the shape "
            f"{true.shape}; they must be the same."
        )
    weights = dataset.weights
    found = findings.metrics
    found["example_count"] = len(true)
    missing = int((~np.isfinite(predicted)).reshape(len(true), -1).any(axis=1).sum())
    if missing:
        findings.left_out["metrics of errors"] = (
            f"the model predicts NaN or infinity for {missing} of {len(true)} rows"
        )
    else:
        found.update(_errors(true, predicted, weights))
        if len(true) > 1:
            found["r2_score"] = skm.r2_score(true, predicted, sample_weight=weights)
        else:
            findings.left_out["r2_score"] = "it needs two rows"
        if true.ndim == 1:
            found["max_error"] = skm.max_error(true, predicted)
        else:
            findings.left_out["max_error"] = f"there are {true.shape[1]} targets"
    rows = np.ones(len(true)) if weights is None else weights
    found["sum_on_target"] = float((true.reshape(len(true), -1) * rows[:, None]).sum())
    found["mean_on_target"] = float(np.average(true.reshape(len(true), -1), 0, rows).mean())
    return predicted


def _errors(true: Values, predicted: Values, weights: Values | None) -> dict[str, float]:
    options = {"sample_weight": weights}
    squared = skm.mean_squared_error(true, predicted, **options)
    return {
        "mean_absolute_error": skm.mean_absolute_error(true, predicted, **options),
        "mean_squared_error": squared,
        "root_mean_squared_error": float(np.sqrt(squared)),
        "mean_absolute_percentage_error": skm.mean_absolute_percentage_error(
            true, predicted, **options
        ),
    }


def _numbers(what: str, values: Any) -> Values:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"The {what} of a regressor must be numbers: {error}.") from error
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
