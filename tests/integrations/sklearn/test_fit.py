"""What one fit records, on the data sets scikit-learn carries."""

from __future__ import annotations

import csv
import gc
import io
import json
import pickle
import sys
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

from sklearn import metrics  # noqa: E402
from sklearn.base import BaseEstimator, ClassifierMixin, clone  # noqa: E402
from sklearn.cluster import KMeans  # noqa: E402
from sklearn.datasets import (  # noqa: E402
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
)
from sklearn.dummy import DummyClassifier  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.feature_selection import RFE  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import SVC  # noqa: E402

from chiplog.core import background  # noqa: E402 - scikit-learn may be missing
from chiplog.core.autolog import receipt  # noqa: E402
from chiplog.core.runs import lifecycle  # noqa: E402
from chiplog.core.stores import open_artifact_store  # noqa: E402
from chiplog.integrations.sklearn import api  # noqa: E402

if TYPE_CHECKING:
    from chiplog.core.entities import Run
    from chiplog.testing.project import Project

Autolog = "Callable[..., None]"


def only_run(project: Project) -> Run:
    (run,) = project.runs()
    return run


def files(run: Run) -> set[str]:
    background.flush(60)
    return {info.path for info in open_artifact_store(str(run.info.artifact_uri)).list(None)}


def read(run: Run, path: str) -> bytes:
    background.flush(60)
    with open_artifact_store(str(run.info.artifact_uri)).open(path) as file:
        return file.read()


def test_a_binary_classifier_records_all_there_is(project: Project, autolog: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    autolog(log_post_training_metrics=False)
    model = LogisticRegression(max_iter=50, C=0.5)
    with pytest.warns(Warning, match="converge"):
        model.fit(X, y)
    run = only_run(project)
    predicted, scores = model.predict(X), model.predict_proba(X)
    assert run.data.metrics == pytest.approx(
        {
            "training_precision_score": metrics.precision_score(y, predicted, average="weighted"),
            "training_recall_score": metrics.recall_score(y, predicted, average="weighted"),
            "training_f1_score": metrics.f1_score(y, predicted, average="weighted"),
            "training_accuracy_score": metrics.accuracy_score(y, predicted),
            "training_log_loss": metrics.log_loss(y, scores),
            "training_roc_auc": metrics.roc_auc_score(y, scores[:, 1]),
            "training_score": model.score(X, y),
        },
        abs=1e-12,
    )
    assert run.data.params == {k: str(v) for k, v in model.get_params().items()}
    assert run.data.tags["estimator_name"] == "LogisticRegression"
    assert run.data.tags["estimator_class"].endswith("linear_model._logistic.LogisticRegression")
    assert run.data.tags["mlflow.autologging"] == "sklearn"
    assert run.info.status == "FINISHED"
    assert files(run) == {
        "estimator.html",
        "training_confusion_matrix.png",
        "training_roc_curve.png",
        "training_precision_recall_curve.png",
    }
    assert read(run, "training_roc_curve.png").startswith(b"\x89PNG")
    (entry,) = run.inputs.dataset_inputs
    assert entry.dataset.name == "dataset"
    assert [(tag.key, tag.value) for tag in entry.tags] == [("mlflow.data.context", "train")]


def test_the_model_loads_and_says_what_it_takes(project: Project, autolog: Any) -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    X.loc[100, "ash"] = np.nan
    autolog(log_input_examples=True)
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=2).fit(X, y)
    run = only_run(project)
    (output,) = run.outputs.model_outputs
    for uri in (f"models:/{output.model_id}", f"runs:/{run.info.run_id}/model"):
        loaded = api.load_model(uri)
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    from chiplog.core.models.loading import local_directory
    from chiplog.core.models.model import Model

    folder = local_directory(f"models:/{output.model_id}")
    saved = Model.load(folder)
    assert saved.signature is not None
    assert saved.signature.inputs is not None
    assert saved.signature.inputs.input_names() == list(X.columns)
    assert set(X.columns) - set(saved.signature.inputs.required_input_names()) == {"ash"}
    assert saved.run_id == run.info.run_id
    assert saved.model_id == output.model_id
    example = json.loads((folder / "input_example.json").read_text())
    assert example["data"] == X.head().to_numpy().tolist()


def test_several_classes_and_weights(project: Project, autolog: Any) -> None:
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    weights = np.random.RandomState(0).rand(len(y))
    autolog(log_models=False, log_post_training_metrics=False)
    model = RandomForestClassifier(3, random_state=0).fit(X, y)
    weighted = RandomForestClassifier(3, random_state=0).fit(X, y, sample_weight=weights)
    first, second = project.runs()
    assert first.data.metrics["training_roc_auc"] == pytest.approx(
        metrics.roc_auc_score(y, model.predict_proba(X), multi_class="ovo", average="weighted"),
        abs=1e-12,
    )
    predicted = weighted.predict(X)
    assert second.data.metrics["training_f1_score"] == pytest.approx(
        metrics.f1_score(y, predicted, average="weighted", sample_weight=weights), abs=1e-12
    )
    assert "training_roc_auc" not in second.data.metrics
    reasons = {o.what: o.reason for o in project.receipt(second.info.run_id).skipped}
    assert "more than two classes" in reasons["training_roc_auc"]
    assert files(first) == {"estimator.html", "training_confusion_matrix.png"}


def test_a_regressor_records_its_errors(project: Project, autolog: Any) -> None:
    X, y = load_diabetes(return_X_y=True)
    autolog()
    model = make_pipeline(StandardScaler(), Ridge(alpha=2)).fit(X, y)
    run = only_run(project)
    predicted = model.predict(X)
    assert run.data.metrics == pytest.approx(
        {
            "training_mean_squared_error": metrics.mean_squared_error(y, predicted),
            "training_mean_absolute_error": metrics.mean_absolute_error(y, predicted),
            "training_r2_score": metrics.r2_score(y, predicted),
            "training_root_mean_squared_error": metrics.mean_squared_error(y, predicted) ** 0.5,
            "training_score": model.score(X, y),
        },
        rel=1e-12,
    )
    assert run.data.params["ridge__alpha"] == "2"
    assert run.data.params["steps"] == str(model.steps)


def test_clustering_records_no_metrics_and_says_so(project: Project, autolog: Any) -> None:
    X, _ = load_diabetes(return_X_y=True)
    autolog()
    KMeans(2, n_init=1, random_state=0).fit_predict(X)
    run = only_run(project)
    assert run.data.metrics == {}
    assert len(run.outputs.model_outputs) == 1
    assert "metrics" in {omission.what for omission in project.receipt(run.info.run_id).skipped}


def test_a_positive_label_picks_one_class(project: Project, autolog: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["bad", "good"])[y]
    autolog(pos_label="bad", log_models=False)
    model = SVC().fit(X, names)
    run = only_run(project)
    assert run.data.metrics["training_precision_score"] == pytest.approx(
        metrics.precision_score(names, model.predict(X), pos_label="bad"), abs=1e-12
    )
    assert "training_roc_curve.png" in files(run)


def test_several_targets_go_through_scikit_learns_own_metrics(
    project: Project, autolog: Any
) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    autolog(log_models=False)
    both = np.c_[y, 1 - y]
    model = KNeighborsClassifier().fit(X, both)
    run = only_run(project)
    assert run.data.metrics["training_f1_score"] == pytest.approx(
        metrics.f1_score(both, model.predict(X), average="weighted"), abs=1e-12
    )


class Threshold(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A user's own estimator, defined before autologging."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def fit(self, X: Any, y: Any) -> Threshold:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[(X[:, 0] > self.at).astype(int)]


def test_estimators_defined_before_and_after_are_recorded(project: Project, autolog: Any) -> None:
    autolog()

    class Later(Threshold):
        """Defined while autologging is on."""

        def fit(self, X: Any, y: Any) -> Later:
            super().fit(X, y)
            return self

    X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    Threshold().fit(X, y)
    Later(at=0.5).fit(X, y)
    first, second = project.runs()
    assert first.data.tags["estimator_name"] == "Threshold"
    assert second.data.tags["estimator_name"] == "Later"
    assert second.data.params == {"at": "0.5"}
    assert second.data.metrics["training_accuracy_score"] == 1.0


def test_scikit_learn_is_restored_exactly(autolog: Any) -> None:
    import sklearn.base
    import sklearn.linear_model
    import sklearn.metrics

    watched = [sklearn.base.TransformerMixin, LogisticRegression, Threshold, sklearn.metrics]
    before = [dict(vars(owner)) for owner in watched]
    requester = LogisticRegression.__init_subclass__.__func__
    autolog()
    assert vars(LogisticRegression)["fit"] is not before[1]["fit"]
    autolog(disable=True)
    after = [dict(vars(owner)) for owner in watched]
    for old, new in zip(before, after, strict=True):
        assert old.keys() == new.keys()
        assert all(old[name] is new[name] for name in old)
    assert LogisticRegression.__init_subclass__.__func__ is requester


def test_preparing_data_is_no_training(project: Project, autolog: Any) -> None:
    X, y = load_wine(return_X_y=True)
    autolog()
    StandardScaler().fit_transform(X)
    RFE(SGDClassifier(random_state=0), n_features_to_select=11).fit(X, y)
    assert project.runs() == []


def test_two_fits_in_one_run_are_both_kept(project: Project, autolog: Any) -> None:
    X, y = load_wine(return_X_y=True)
    autolog(log_models=False)
    with lifecycle.start_run() as run:
        DummyClassifier(strategy="prior").fit(X, y)
        DummyClassifier(strategy="uniform", random_state=0).fit(X, y)
    parent, child = sorted(project.runs(), key=lambda r: r.info.run_id != run.info.run_id)
    assert parent.data.params["strategy"] == "prior"
    assert child.data.params["strategy"] == "uniform"
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_predicting_leaves_a_generator_of_the_users_alone(project: Project, autolog: Any) -> None:
    X, y = load_wine(return_X_y=True)
    plain, watched = np.random.RandomState(3), np.random.RandomState(3)
    DummyClassifier(strategy="uniform", random_state=plain).fit(X, y)
    autolog()
    DummyClassifier(strategy="uniform", random_state=watched).fit(X, y)
    assert plain.randint(10**6) == watched.randint(10**6)
    assert len(project.runs()) == 1


def test_no_reference_to_data_or_model_outlives_the_fit(project: Project, autolog: Any) -> None:
    autolog(log_input_examples=True)
    X, y = load_wine(return_X_y=True)
    model = KNeighborsClassifier().fit(X, y)
    held = [weakref.ref(X), weakref.ref(y), weakref.ref(model)]
    del X, y, model
    background.flush(60)
    gc.collect()
    assert [reference() for reference in held] == [None, None, None]
    assert len(project.runs()) == 1


def test_a_model_that_cannot_be_held_is_left_out_with_the_reason(
    project: Project, autolog: Any
) -> None:
    from sklearn.preprocessing import FunctionTransformer

    X, y = load_wine(return_X_y=True)
    autolog()
    make_pipeline(FunctionTransformer(lambda values: values), Ridge()).fit(X, y)
    run = only_run(project)
    skipped = {o.what: o.reason for o in project.receipt(run.info.run_id).skipped}
    assert "cloudpickle" in skipped["model 'model'"]
    assert run.data.metrics["training_r2_score"] > 0


def test_plots_leave_the_users_matplotlib_alone(project: Project, autolog: Any) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    X, y = load_breast_cancer(return_X_y=True)
    before = dict(matplotlib.rcParams)
    pyplot_was_there = "matplotlib.pyplot" in sys.modules
    autolog(log_models=False)
    SVC().fit(X, y)
    assert "training_confusion_matrix.png" in files(only_run(project))
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == pyplot_was_there


def test_settings_leave_parts_out(project: Project, autolog: Any) -> None:
    X, y = load_wine(return_X_y=True)
    autolog(log_models=False, log_datasets=False, extra_tags={"team": "blue"})
    DummyClassifier().fit(X, y)
    run = only_run(project)
    assert run.inputs.dataset_inputs == []
    assert run.outputs.model_outputs == []
    assert run.data.tags["team"] == "blue"


def test_a_watched_estimator_clones_and_pickles(project: Project, autolog: Any) -> None:
    X, y = load_wine(return_X_y=True)
    autolog(log_models=False)
    model = DummyClassifier(strategy="prior").fit(X, y)
    again = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert len(project.runs()) == 2


def test_training_in_steps_is_one_run(project: Project, autolog: Any) -> None:
    X, y = load_wine(return_X_y=True)
    autolog()
    model = SGDClassifier(random_state=0)
    for start in range(0, 150, 50):
        model.partial_fit(X[start : start + 50], y[start : start + 50], classes=[0, 1, 2])
    run = only_run(project)
    from chiplog.core.location import get_tracking_uri
    from chiplog.core.runs.reading import readable_store

    store = readable_store(get_tracking_uri())
    points = store.get_metric_history(run.info.run_id, "training_accuracy_score", None, None)
    assert [point.step for point in points] == [0, 1, 2]
    assert run.info.status == "FINISHED"
    told = receipt.decode(project.document(run.info.run_id, receipt.DOCUMENT) or b"")
    assert len(told.sessions) == 1


def rows_of(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read(run, "cv_results.csv").decode())))


@pytest.mark.parametrize("stored", [False, True])
def test_an_input_example_is_told_of_only_if_it_is_stored(
    project: Project, autolog: Any, stored: bool
) -> None:
    autolog(log_input_examples=stored)
    Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
    told = project.receipt(only_run(project).info.run_id)
    captured = [item.what for item in told.captured]
    assert captured.count("input example") == (1 if stored else 0)
    assert captured.count("signature") == 1


def test_a_method_that_a_class_takes_back_is_not_told_of(project: Project, autolog: Any) -> None:
    from sklearn.cluster import FeatureAgglomeration

    assert isinstance(vars(FeatureAgglomeration)["fit_predict"], property)
    autolog()
    Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
    told = project.receipt(only_run(project).info.run_id)
    assert [hook.point for hook in told.hooks if not hook.installed] == []


def test_estimators_classes_are_let_go_when_switched_off(autolog: Any) -> None:
    autolog()

    class Passing(BaseEstimator):  # type: ignore[misc,unused-ignore]
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

    Passing().fit([[1.0]])
    gone = weakref.ref(Passing)
    del Passing
    autolog(disable=True)
    gc.collect()
    assert gone() is None
