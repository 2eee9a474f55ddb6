"""Metrics ready to be given as ``extra_metrics``: scikit-learn's, under MLflow's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import MissingLibrary
from chiplog.core.evaluation.metrics import EvaluationMetric

if TYPE_CHECKING:
    from collections.abc import Callable


def _metric(name: str, *, greater_is_better: bool, of_labels: bool = False) -> EvaluationMetric:
    """A function of ``sklearn.metrics`` as a metric."""

    def compute(predictions: Any, targets: Any) -> float:
        function = _function(name)
        true, said = np.asarray(targets), np.asarray(predictions)
        if not of_labels:
            return float(function(true, said))
        classes = np.unique(np.concatenate([true, said]))
        how: dict[str, Any] = {"average": "weighted"}
        if len(classes) <= 2:
            how = {"average": "binary", "pos_label": classes[-1]}
        return float(function(true, said, zero_division=0, **how))

    return EvaluationMetric(compute, name, greater_is_better, long_name=name)


def _function(name: str) -> Callable[..., Any]:
    try:
        from sklearn import metrics
    except ImportError as error:
        raise MissingLibrary(
            f"The metric {name!r} needs scikit-learn, which is not installed.\n"
            "    pip install 'chiplog[sklearn]'"
        ) from error
    function: Callable[..., Any] = getattr(metrics, name)
    return function


def mae() -> EvaluationMetric:
    """Mean absolute error."""
    return _metric("mean_absolute_error", greater_is_better=False)


def mse() -> EvaluationMetric:
    """Mean squared error."""
    return _metric("mean_squared_error", greater_is_better=False)


def rmse() -> EvaluationMetric:
    """Root of the mean squared error."""
    return _metric("root_mean_squared_error", greater_is_better=False)


def mape() -> EvaluationMetric:
    """Mean absolute error as a share of the true value."""
    return _metric("mean_absolute_percentage_error", greater_is_better=False)


def max_error() -> EvaluationMetric:
    """The largest absolute error."""
    return _metric("max_error", greater_is_better=False)


def r2_score() -> EvaluationMetric:
    """The share of the variance that is explained."""
    return _metric("r2_score", greater_is_better=True)


def precision_score() -> EvaluationMetric:
    """Precision: of the last of two classes, or of more of them by their weight."""
    return _metric("precision_score", greater_is_better=True, of_labels=True)


def recall_score() -> EvaluationMetric:
    """Recall: of the last of two classes, or of more of them by their weight."""
    return _metric("recall_score", greater_is_better=True, of_labels=True)


def f1_score() -> EvaluationMetric:
    """F1: of the last of two classes, or of more of them by their weight."""
    return _metric("f1_score", greater_is_better=True, of_labels=True)
