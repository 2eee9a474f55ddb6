"""The integration passes chiplog's kit, and records what the README promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import catboost
import numpy as np
import pytest
from chiplog.testing import IntegrationKit

if TYPE_CHECKING:
    from chiplog.testing import Project

SETTINGS: dict[str, Any] = {
    "iterations": 5,
    "depth": 2,
    "verbose": False,
    "allow_writing_files": False,
    "thread_count": 1,
}


def points() -> tuple[Any, Any]:
    """Sixty points of two classes."""
    generator = np.random.RandomState(0)
    X = generator.normal(size=(60, 3))
    return X, (X[:, 0] > 0).astype(int)


class TestCatBoost(IntegrationKit):
    """A small classifier; a search; what is recorded of each way to train."""

    integration = "catboost"

    def make_data(self) -> Any:
        """Points of two classes."""
        return points()

    def train_on(self, data: Any) -> Any:
        """Fit a classifier with an evaluation set."""
        X, y = data
        return catboost.CatBoostClassifier(**SETTINGS).fit(X, y, eval_set=(X[:20], y[:20]))

    def train_nested(self, data: Any) -> Any:
        """Search over two depths, and train with the better one."""
        model = catboost.CatBoostClassifier(**{**SETTINGS, "iterations": 3})
        model.grid_search({"depth": [1, 2]}, *data, cv=2, verbose=False)
        return model

    def outcome(self, trained: Any) -> Any:
        """Of a model what does not tell its time and a random id."""
        return [
            trained.predict(points()[0], prediction_type="RawFormulaVal").tobytes(),
            trained.get_leaf_values().tobytes(),
            trained.get_evals_result(),
            trained.get_params(),
            trained.get_metadata()["params"],
        ]

    def test_a_fit_is_recorded_at_every_iteration(self, project: Project) -> None:
        """Parameters, curves, best iteration, importance and model."""
        self.switch_on()
        model = self.train()
        run = self.only_run(project)
        assert run.data.params["iterations"] == "5"
        assert run.data.params["learning_rate"] == str(model.get_all_params()["learning_rate"])
        curves = model.get_evals_result()
        for data in ("learn", "validation"):
            recorded = project.history(run.info.run_id, f"{data}-Logloss")
            assert [point.step for point in recorded] == [0, 1, 2, 3, 4]
            assert [point.value for point in recorded] == curves[data]["Logloss"]
        metrics = {metric.key: metric.value for metric in run.data.latest_metrics}
        assert metrics["best_iteration"] == model.best_iteration_
        importance = json.loads(project.read(run.info.run_id, "feature_importance.json"))
        assert list(importance.values()) == pytest.approx(model.get_feature_importance())
        assert project.read(run.info.run_id, "feature_importance.png")[:4] == b"\x89PNG"
        assert len(run.outputs.model_outputs) == 1
        assert [dataset.tags[0].value for dataset in run.inputs.dataset_inputs] == ["train", "eval"]

    def test_live_metrics_are_the_same_curves(self, project: Project) -> None:
        """As they are recorded afterwards, also where not every iteration is evaluated."""
        X, y = self.make_data()
        settings = {**SETTINGS, "iterations": 12, "metric_period": 5}
        found = []
        for live in (False, True):
            self.switch_on(live_metrics=live, log_models=False)
            catboost.CatBoostClassifier(**settings).fit(X, y)
            run = project.runs()[-1]
            points = project.history(run.info.run_id, "learn-Logloss")
            found.append([(point.step, point.value) for point in points])
        assert [step for step, _ in found[0]] == [0, 5, 10, 11]
        assert found[1] == found[0]

    def test_metrics_that_are_not_live_are_told_in_the_receipt(self, project: Project) -> None:
        """With the reason."""
        self.switch_on()
        self.train()
        (omission,) = project.receipt(self.only_run(project).info.run_id).skipped
        assert omission.what == "live metrics"
        assert "live_metrics=True" in omission.reason

    def test_the_function_train_is_recorded(self, project: Project) -> None:
        """From a pool, of which nothing can be described."""
        self.switch_on()
        catboost.train(catboost.Pool(*points()), {**SETTINGS, "loss_function": "Logloss"})
        run = self.only_run(project)
        assert run.data.params["loss_function"] == "Logloss"
        assert len(project.history(run.info.run_id, "learn-Logloss")) == 5
        assert len(run.outputs.model_outputs) == 1
        skipped = {one.what for one in project.receipt(run.info.run_id).skipped}
        assert "dataset (train)" in skipped

    def test_a_cross_validation_is_recorded(self, project: Project) -> None:
        """Mean and deviation at every iteration."""
        self.switch_on()
        table = catboost.cv(
            catboost.Pool(*points()),
            {**SETTINGS, "loss_function": "Logloss"},
            fold_count=2,
            as_pandas=False,
        )
        run = self.only_run(project)
        assert run.data.params["cv_fold_count"] == "2"
        recorded = project.history(run.info.run_id, "test-Logloss-mean")
        assert [point.value for point in recorded] == table["test-Logloss-mean"]

    def test_a_search_is_recorded_with_its_best_parameters(self, project: Project) -> None:
        """And the model that was trained with them."""
        self.switch_on()
        model = self.train_nested(self.make_data())
        run = self.only_run(project)
        assert run.data.params["best_depth"] == str(model.get_all_params()["depth"])
        assert len(project.history(run.info.run_id, "cv_test-Logloss-mean")) == 3
        assert len(run.outputs.model_outputs) == 1

    def test_models_can_be_left_out(self, project: Project) -> None:
        """By ``log_models=False``."""
        self.switch_on(log_models=False)
        self.train()
        assert self.only_run(project).outputs.model_outputs == []
