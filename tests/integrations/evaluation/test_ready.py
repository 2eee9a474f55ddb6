"""The metrics of ``chiplog.metrics``: scikit-learn's own numbers under MLflow's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

from sklearn import metrics as skm  # noqa: E402

import chiplog  # noqa: E402 - scikit-learn may be missing

if TYPE_CHECKING:
    from chiplog.testing.project import Project


def test_ready_metrics_are_recorded_under_the_names_that_mlflow_has(project: Project) -> None:
    m = chiplog.metrics
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0], "p": [1.0, 2.0, 3.0]})
    metrics = [m.mae(), m.mse(), m.rmse(), m.mape(), m.max_error(), m.r2_score()]
    result = chiplog.evaluate(data=frame, targets="y", predictions="p", extra_metrics=metrics)
    names = "mean_absolute_error mean_squared_error root_mean_squared_error"
    names += " mean_absolute_percentage_error max_error r2_score"
    expected = {name: getattr(skm, name)(frame["y"], frame["p"]) for name in names.split()}
    assert result.metrics == pytest.approx(expected)
    assert [metric.greater_is_better for metric in metrics] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("y", "p", "how"),
    [
        ([1, 0, 1, 1], [1, 0, 0, 1], {}),
        (["no", "yes", "yes"], ["yes", "yes", "no"], {"pos_label": "yes"}),
        ([0, 1, 2, 2], [0, 2, 2, 2], {"average": "weighted", "zero_division": 0}),
    ],
)
def test_ready_metrics_of_labels_are_of_one_class_or_weighed(
    project: Project, y: Any, p: Any, how: dict[str, Any]
) -> None:
    m = chiplog.metrics
    result = chiplog.evaluate(
        data=pd.DataFrame({"y": y, "p": p}),
        targets="y",
        predictions="p",
        extra_metrics=[m.precision_score(), m.recall_score(), m.f1_score()],
    )
    expected = {
        name: getattr(skm, name)(y, p, **how)
        for name in ("precision_score", "recall_score", "f1_score")
    }
    assert result.metrics == pytest.approx(expected)
