"""Metrics for ``chiplog.models.evaluate(extra_metrics=...)``: ready ones, and making your own."""

from chiplog.core.evaluation.metrics import EvaluationMetric, MetricValue, make_metric
from chiplog.core.evaluation.ready import (
    f1_score,
    mae,
    mape,
    max_error,
    mse,
    precision_score,
    r2_score,
    recall_score,
    rmse,
)

__all__ = [
    "EvaluationMetric",
    "MetricValue",
    "make_metric",
    "mae",
    "mse",
    "rmse",
    "mape",
    "max_error",
    "r2_score",
    "precision_score",
    "recall_score",
    "f1_score",
]
