"""Searches and validations: a parent, and a child for each candidate or fold."""

from __future__ import annotations

import csv
import io
import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

from sklearn import metrics, model_selection  # noqa: E402
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine  # noqa: E402
from sklearn.experimental import enable_halving_search_cv  # noqa: E402, F401
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.metrics import accuracy_score, make_scorer  # noqa: E402
from sklearn.model_selection import (  # noqa: E402
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.tree import DecisionTreeClassifier  # noqa: E402

from chiplog.core import background  # noqa: E402
from chiplog.core.errors import InvalidValue  # noqa: E402
from chiplog.core.stores import open_artifact_store  # noqa: E402
from chiplog.integrations.sklearn import api  # noqa: E402
from chiplog.models import get_model_info  # noqa: E402

if TYPE_CHECKING:
    from chiplog.core.entities import Run
    from chiplog.testing.project import Project

X, y = load_wine(return_X_y=True)
GRID = {"max_depth": [1, 2, 3, None], "criterion": ["gini", "entropy"]}


def read(run: Run, path: str) -> str:
    background.flush(60)
    with open_artifact_store(str(run.info.artifact_uri)).open(path) as file:
        return file.read().decode()


def family(project: Project) -> tuple[Run, list[Run]]:
    (parent,) = project.top_runs()
    return parent, project.children(parent.info.run_id)


def test_every_candidate_of_a_search_is_a_child(project: Project, autolog: Any) -> None:
    autolog()
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), GRID, cv=3).fit(X, y)
    parent, children = family(project)
    results = search.cv_results_
    assert len(children) == 8
    by_params = {(c.data.params["max_depth"], c.data.params["criterion"]): c for c in children}
    for i, params in enumerate(results["params"]):
        child = by_params[str(params["max_depth"]), params["criterion"]]
        assert child.data.metrics == {
            key: results[key][i]
            for key in (
                "mean_fit_time",
                "std_fit_time",
                "mean_score_time",
                "std_score_time",
                "mean_test_score",
                "std_test_score",
                "rank_test_score",
            )
        }
        assert child.data.tags["estimator_name"] == "DecisionTreeClassifier"
        assert child.data.params["random_state"] == "0"
        assert child.info.status == "FINISHED"
        assert child.info.start_time >= parent.info.start_time
    assert parent.data.params["best_max_depth"] == str(search.best_params_["max_depth"])
    assert parent.data.metrics["best_cv_score"] == search.best_score_
    assert "max_depth" not in parent.data.params
    rows = list(csv.DictReader(io.StringIO(read(parent, "cv_results.csv"))))
    assert [float(row["mean_test_score"]) for row in rows] == results["mean_test_score"].tolist()
    best = by_params[str(search.best_params_["max_depth"]), search.best_params_["criterion"]]
    (shared,) = best.outputs.model_outputs
    assert shared.model_id in {output.model_id for output in parent.outputs.model_outputs}
    for name in ("model", "best_estimator"):
        loaded = api.load_model(f"runs:/{parent.info.run_id}/{name}")
        np.testing.assert_array_equal(loaded.predict(X), search.predict(X))
        assert get_model_info(f"runs:/{parent.info.run_id}/{name}").signature is not None


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (2, 2), (None, 4)])
def test_the_number_of_candidates_can_be_limited_to_the_best(
    project: Project, autolog: Any, limit: int | None, count: int
) -> None:
    autolog(max_tuning_runs=limit, log_models=False)
    GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4]}, cv=2).fit(
        X, y
    )
    _, children = family(project)
    assert sorted(c.data.metrics["rank_test_score"] for c in children)[:1] == [1.0][:count]
    assert len(children) == count


def test_a_negative_number_of_candidates_is_refused(autolog: Any) -> None:
    with pytest.raises(InvalidValue, match="max_tuning_runs=-1"):
        autolog(max_tuning_runs=-1)


def test_a_search_with_two_workers_is_one_family(project: Project, autolog: Any) -> None:
    autolog(log_models=False)
    RandomizedSearchCV(
        make_pipeline(StandardScaler(), Ridge()),
        {"ridge__alpha": [0.1, 1.0, 10.0, 100.0]},
        n_iter=3,
        random_state=0,
        n_jobs=2,
        cv=2,
    ).fit(*load_diabetes(return_X_y=True))
    _, children = family(project)
    assert len(children) == 3


def test_several_scores_and_a_halving_search(project: Project, autolog: Any) -> None:
    autolog(log_models=False)
    GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2]},
        scoring=["accuracy", "f1_macro"],
        refit="accuracy",
        cv=2,
    ).fit(X, y)
    HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=2, random_state=0
    ).fit(X, y)
    first, second = project.top_runs()
    assert {"mean_test_accuracy", "mean_test_f1_macro"} <= set(
        project.children(first.info.run_id)[0].data.metrics
    )
    halving = project.children(second.info.run_id)
    assert len(halving) > 3
    assert {"iter", "n_resources"} <= set(halving[0].data.metrics)


def test_a_nested_validation_is_one_family(project: Project, autolog: Any) -> None:
    autolog(log_models=False)
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=2)
    scores = model_selection.cross_val_score(search, X, y, cv=3)
    parent, children = family(project)
    assert parent.data.tags["estimator_name"] == "GridSearchCV"
    assert [c.data.metrics["test_score"] for c in _by_fold(children)] == scores.tolist()


def _by_fold(children: list[Run]) -> list[Run]:
    return sorted(children, key=lambda run: int(run.data.tags["chiplog.sklearn.fold"]))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_function_imported_before_autologging_is_recorded(
    project: Project, autolog: Any, n_jobs: int | None
) -> None:
    """``cross_val_score`` stands in this module since long before ``autolog()``."""
    autolog()
    scores = cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=4, n_jobs=n_jobs)
    parent, children = family(project)
    folds = _by_fold(children)
    assert [fold.data.metrics["test_score"] for fold in folds] == scores.tolist()
    assert all({"fit_time", "score_time"} <= set(fold.data.metrics) for fold in folds)
    assert parent.data.metrics["mean_test_score"] == pytest.approx(scores.mean())
    assert parent.data.metrics["std_test_score"] == pytest.approx(scores.std())
    assert parent.data.params["cv"] == "4"
    assert parent.data.params["random_state"] == "0"
    assert parent.outputs.model_outputs == []


def test_cross_validate_records_train_scores_and_several_metrics(
    project: Project, autolog: Any
) -> None:
    autolog()
    result = model_selection.cross_validate(
        DecisionTreeClassifier(random_state=0),
        X,
        y,
        cv=2,
        scoring=["accuracy", "f1_macro"],
        return_train_score=True,
        return_estimator=True,
    )
    parent, children = family(project)
    assert len(result["estimator"]) == 2
    assert _by_fold(children)[1].data.metrics["train_f1_macro"] == result["train_f1_macro"][1]
    assert parent.data.metrics["mean_test_accuracy"] == result["test_accuracy"].mean()


def test_out_of_fold_predictions_are_measured(project: Project, autolog: Any) -> None:
    autolog()
    predicted = model_selection.cross_val_predict(
        DecisionTreeClassifier(random_state=0), X, y, cv=2
    )
    parent, children = family(project)
    assert children == []
    assert parent.data.metrics["cross_val_accuracy_score"] == pytest.approx(
        metrics.accuracy_score(y, predicted), abs=1e-12
    )


def test_curves_are_recorded_by_step(project: Project, autolog: Any) -> None:
    autolog()
    sizes, _, tests = model_selection.learning_curve(
        Ridge(), *load_diabetes(return_X_y=True), cv=2, train_sizes=[0.5, 1.0]
    )
    model_selection.validation_curve(
        Ridge(),
        *load_diabetes(return_X_y=True),
        param_name="alpha",
        param_range=[0.1, 1.0, 10.0],
        cv=2,
    )
    model_selection.permutation_test_score(
        DecisionTreeClassifier(random_state=0), X, y, cv=2, n_permutations=3, random_state=0
    )
    learning, validation, permutation = project.top_runs()
    from chiplog.core.location import get_tracking_uri
    from chiplog.core.runs.reading import readable_store

    store = readable_store(get_tracking_uri())
    points = store.get_metric_history(learning.info.run_id, "mean_test_score", None, None)
    assert [p.step for p in points] == [int(size) for size in sizes]
    assert [p.value for p in points] == pytest.approx([float(row.mean()) for row in tests])
    assert validation.data.params["param_name"] == "alpha"
    assert validation.data.params["param_range"] == "[0.1, 1.0, 10.0]"
    assert {"score", "pvalue"} <= set(permutation.data.metrics)
    assert len(project.runs()) == 3


def test_a_failing_search_is_failed_with_its_own_error(project: Project, autolog: Any) -> None:
    autolog()
    with pytest.raises(ValueError, match="Invalid parameter"):
        GridSearchCV(Ridge(), {"nonsense": [1]}, cv=2).fit(X, y)
    (run,) = project.runs()
    assert run.info.status == "FAILED"


def test_a_search_by_a_watched_metric_is_saved_and_loads(project: Project, autolog: Any) -> None:
    autolog()
    scorer = make_scorer(metrics.accuracy_score)
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, scoring=scorer, cv=2
    ).fit(X, y)
    (run,) = project.top_runs()
    loaded = api.load_model(f"runs:/{run.info.run_id}/model")
    assert loaded.score(X, y) == search.score(X, y)


class TestAfterTraining:
    """Predictions, scores and metrics computed afterwards land on the model's run."""

    def test_metrics_of_predictions_are_named_by_function_and_data(
        self, project: Project, autolog: Any
    ) -> None:
        X_all, y_all = load_breast_cancer(return_X_y=True)
        autolog(log_models=False)
        model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X_all, y_all)
        X_test = X_all[:100].copy()
        predicted = model.predict(X_test)
        metrics.accuracy_score(y_all[:100], predicted)
        metrics.accuracy_score(y_all[:100], predicted)
        metrics.f1_score(y_true=y_all[:100], y_pred=predicted)
        accuracy_score(y_all[:100], predicted)  # imported before autologging
        metrics.accuracy_score(y_all[:100], predicted.copy())  # not the prediction itself
        model.score(X_test, y_all[:100])
        (run,) = project.runs()
        found = {k: v for k, v in run.data.metrics.items() if not k.startswith("training_")}
        expected = (predicted == y_all[:100]).mean()
        assert found == {
            "accuracy_score_X_test": expected,
            "accuracy_score-2_X_test": expected,
            "accuracy_score-3_X_test": expected,
            "f1_score_X_test": metrics.f1_score(y_all[:100], predicted.copy()),
            "DecisionTreeClassifier_score_X_test": expected,
        }
        told = json.loads(read(run, "metric_info.json"))
        assert told["f1_score_X_test"] == "f1_score(y_true=ndarray, y_pred=predicted)"
        contexts = [tag.value for entry in run.inputs.dataset_inputs for tag in entry.tags]
        assert contexts == ["train", "eval"]

    def test_other_data_of_the_same_name_is_numbered(self, project: Project, autolog: Any) -> None:
        autolog(log_models=False)
        model = LogisticRegression(max_iter=5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        rows = [X[:50].copy(), X[50:].copy()]
        for part in rows:
            predicted = model.predict(part)
            metrics.accuracy_score(y[:50] if len(part) == 50 else y[50:], predicted)
        (run,) = project.runs()
        assert {"accuracy_score_part", "accuracy_score_part-2"} <= set(run.data.metrics)

    def test_what_a_search_computes_inside_is_not_taken_for_the_users(
        self, project: Project, autolog: Any
    ) -> None:
        autolog(log_models=False)
        GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, scoring="accuracy", cv=2).fit(
            X, y
        )
        (parent,) = project.top_runs()
        assert not any(key.startswith("accuracy_score") for key in parent.data.metrics)

    def test_it_can_be_left_out(self, project: Project, autolog: Any) -> None:
        autolog(log_models=False, log_post_training_metrics=False)
        model = DecisionTreeClassifier().fit(X, y)
        metrics.accuracy_score(y, model.predict(X))
        (run,) = project.runs()
        assert not any(key.startswith("accuracy_score") for key in run.data.metrics)
