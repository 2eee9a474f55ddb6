"""Classifiers: numbers are scikit-learn's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

from sklearn import metrics as skm  # noqa: E402
from sklearn.svm import LinearSVC  # noqa: E402

import chiplog  # noqa: E402 - scikit-learn may be missing
from chiplog.core.errors import InvalidValue  # noqa: E402
from chiplog.integrations.sklearn import api  # noqa: E402

if TYPE_CHECKING:
    from chiplog.testing.project import Project

CURVES = ["roc_curve_plot", "precision_recall_curve_plot", "calibration_curve_plot"]
COUNTS = ["true_negatives", "false_positives", "false_negatives", "true_positives"]
LABEL_METRICS = ["accuracy_score", "recall_score", "precision_score", "f1_score"]


def evaluate(model: Any, frame: Any, *, draw: bool = False, **config: Any) -> Any:
    """Plots take most of the time: drawn only where a test looks at them."""
    return chiplog.models.evaluate(
        model,
        frame,
        model_type="classifier",
        targets="target",
        predictions="p" if "p" in frame else None,
        evaluator_config={"log_plots": draw, **config},
    )


def test_a_logged_binary_classifier_is_measured_in_full(project: Project, binary: Any) -> None:
    with chiplog.start_run():
        info = api.log_model(binary.model)
        result = evaluate(info.model_uri, binary.frame, draw=True)
    y, p = binary.y, binary.model.predict(binary.X)
    sure = binary.model.predict_proba(binary.X)
    expected = {
        **dict(zip(COUNTS, skm.confusion_matrix(y, p).ravel().tolist(), strict=True)),
        "example_count": len(y),
        "accuracy_score": skm.accuracy_score(y, p),
        "recall_score": skm.recall_score(y, p),
        "precision_score": skm.precision_score(y, p),
        "f1_score": skm.f1_score(y, p),
        "log_loss": skm.log_loss(y, sure),
        "roc_auc": skm.roc_auc_score(y, sure[:, 1]),
        "precision_recall_auc": skm.average_precision_score(y, sure[:, 1]),
        "score": binary.model.score(binary.X, y),
    }
    assert result.metrics == pytest.approx(expected)
    assert result.metrics.keys() == expected.keys()
    plots = {"confusion_matrix", "lift_curve_plot", *CURVES}
    assert result.artifacts.keys() == plots | {"per_class_metrics"}
    for name in plots:
        assert project.read(result.run_id, f"{name}.png") == result.artifacts[name].data
        assert result.artifacts[name].content.size[0] > 200
    run = chiplog.get_run(result.run_id)
    assert run.data.metrics == pytest.approx(expected)
    assert {metric.model_id for metric in run.data.latest_metrics} == {info.model_id}
    assert [one.model_id for one in run.inputs.model_inputs] == [info.model_id]
    assert set(result.left_out) <= {"shap_feature_importance_plot"}


def test_several_classes_are_averaged_by_their_weight_and_listed(
    project: Project, three: Any
) -> None:
    result = evaluate(three.model, three.frame, draw=True)
    y, p = three.y, three.model.predict(three.X)
    sure = three.model.predict_proba(three.X)
    how: dict[str, Any] = {"average": "weighted"}
    expected = {
        "example_count": len(y),
        "accuracy_score": skm.accuracy_score(y, p),
        "recall_score": skm.recall_score(y, p, **how),
        "precision_score": skm.precision_score(y, p, **how),
        "f1_score": skm.f1_score(y, p, **how),
        "log_loss": skm.log_loss(y, sure),
        "roc_auc": skm.roc_auc_score(y, sure, multi_class="ovr", average="weighted"),
        "score": three.model.score(three.X, y),
    }
    assert result.metrics == pytest.approx(expected)
    table = result.artifacts["per_class_metrics"].content.set_index("positive_class")
    assert table.index.tolist() == ["class_0", "class_1", "class_2"]
    for at, name in enumerate(table.index):
        true, said = y == name, p == name
        found = table.loc[name]
        assert found[COUNTS].tolist() == skm.confusion_matrix(true, said).ravel().tolist()
        assert found["f1_score"] == pytest.approx(skm.f1_score(true, said))
        assert found["roc_auc"] == pytest.approx(skm.roc_auc_score(true, sure[:, at]))
        area = skm.average_precision_score(true, sure[:, at])
        assert found["precision_recall_auc"] == pytest.approx(area)
    assert "lift_curve_plot" not in result.artifacts
    assert set(CURVES) < result.artifacts.keys()


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_the_average_can_be_chosen(project: Project, three: Any, average: str) -> None:
    result = evaluate(three.model, three.frame, average=average)
    y, p = three.y, three.model.predict(three.X)
    assert result.metrics["f1_score"] == pytest.approx(skm.f1_score(y, p, average=average))
    if average == "macro":
        sure = three.model.predict_proba(three.X)
        area = skm.roc_auc_score(y, sure, multi_class="ovr", average="macro")
        assert result.metrics["roc_auc"] == pytest.approx(area)
    else:
        assert "average='micro'" in result.left_out["roc_auc"]


def test_the_positive_class_can_be_chosen(project: Project, binary: Any) -> None:
    result = evaluate(binary.model, binary.frame, pos_label=0)
    y, p = binary.y, binary.model.predict(binary.X)
    sure = binary.model.predict_proba(binary.X)[:, 0]
    assert result.metrics["f1_score"] == pytest.approx(skm.f1_score(y, p, pos_label=0))
    assert result.metrics["true_positives"] == ((y == 0) & (p == 0)).sum()
    area = skm.average_precision_score(y == 0, sure)
    assert result.metrics["precision_recall_auc"] == pytest.approx(area)


@pytest.mark.parametrize("case", ["binary", "three"])
def test_rows_can_have_weights(project: Project, case: str, request: pytest.FixtureRequest) -> None:
    fitted = request.getfixturevalue(case)
    weights = np.linspace(0, 2, len(fitted.frame))
    frame = fitted.frame.assign(weight=weights)
    result = evaluate(fitted.model, frame, sample_weights="weight")
    again = evaluate(fitted.model, fitted.frame, sample_weights=weights)
    assert result.metrics == again.metrics
    y, p = fitted.y, fitted.model.predict(fitted.X)
    sure = fitted.model.predict_proba(fitted.X)
    how: dict[str, Any] = {"sample_weight": weights}
    found = result.metrics
    assert found["accuracy_score"] == pytest.approx(skm.accuracy_score(y, p, **how))
    assert found["score"] == pytest.approx(fitted.model.score(fitted.X, y, **how))
    assert found["log_loss"] == pytest.approx(skm.log_loss(y, sure, **how))
    if case == "binary":
        assert found["f1_score"] == pytest.approx(skm.f1_score(y, p, **how))
        assert found["roc_auc"] == pytest.approx(skm.roc_auc_score(y, sure[:, 1], **how))
    else:
        area = skm.roc_auc_score(y, sure, multi_class="ovr", average="weighted", **how)
        assert found["roc_auc"] == pytest.approx(area)
    assert found["example_count"] == len(y)
    for _, row in result.artifacts["per_class_metrics"].content.iterrows():
        true, said = y == row["positive_class"], p == row["positive_class"]
        for name in LABEL_METRICS:
            assert row[name] == pytest.approx(getattr(skm, name)(true, said, **how))


def test_data_that_lacks_a_class_is_measured_as_far_as_it_goes(
    project: Project, three: Any
) -> None:
    frame = three.frame[three.frame["target"] != "class_2"]
    result = evaluate(three.model, frame)
    X, y = frame.drop(columns="target"), frame["target"].to_numpy()
    sure = three.model.predict_proba(X)
    classes = three.model.classes_
    assert result.metrics["log_loss"] == pytest.approx(skm.log_loss(y, sure, labels=classes))
    areas = [skm.roc_auc_score(y == classes[at], sure[:, at]) for at in (0, 1)]
    shares = [(y == classes[at]).mean() for at in (0, 1)]
    assert result.metrics["roc_auc"] == pytest.approx(np.average(areas, weights=shares))
    table = result.artifacts["per_class_metrics"].content.set_index("positive_class")
    assert table.loc["class_2", "example_count"] == len(y)
    assert np.isnan(table.loc["class_2", "roc_auc"])
    macro = evaluate(three.model, frame, average="macro")
    assert macro.left_out["roc_auc"] == "the targets lack the class 'class_2'"


def test_data_of_one_class_has_no_curves_and_the_result_says_so(
    project: Project, binary: Any
) -> None:
    result = evaluate(binary.model, binary.frame[binary.frame["target"] == 1], draw=True)
    assert result.metrics["recall_score"] > 0.9
    assert result.metrics["true_negatives"] == 0
    assert "one class only, 1" in result.left_out["roc_auc"]
    assert "one class only, 1" in result.left_out["curves"]
    assert not set(CURVES) & result.artifacts.keys()
    assert "confusion_matrix" in result.artifacts


def test_a_class_the_model_never_saw_costs_the_probabilities_alone(
    project: Project, binary: Any
) -> None:
    frame = binary.frame.copy()
    frame.loc[0, "target"] = 7
    result = evaluate(binary.model, frame)
    p = binary.model.predict(binary.X)
    weighted = skm.f1_score(frame["target"], p, average="weighted", zero_division=0)
    assert result.metrics["f1_score"] == pytest.approx(weighted)
    for name in ("log_loss", "roc_auc"):
        assert result.left_out[name] == "the model does not know the class 7 of the targets"
    table = result.artifacts["per_class_metrics"].content
    assert table["positive_class"].tolist() == [0, 1, 7]
    assert "roc_auc" not in table


def test_a_model_that_is_never_sure_is_measured_by_its_decisions(
    project: Project, binary: Any
) -> None:
    X = binary.X / binary.X.std()
    model = LinearSVC().fit(X, binary.y)
    result = evaluate(model, X.assign(target=binary.y), draw=True)
    area = skm.roc_auc_score(binary.y, model.decision_function(X))
    assert result.metrics["roc_auc"] == pytest.approx(area)
    assert "log_loss" not in result.metrics
    assert result.left_out["log_loss"] == "the model gives no probabilities"
    assert {"roc_curve_plot", "lift_curve_plot"} < result.artifacts.keys()
    assert "calibration_curve_plot" in result.left_out


def test_a_function_gives_labels_or_probabilities(
    project: Project, binary: Any, three: Any
) -> None:
    labels = evaluate(lambda X: binary.model.predict(X).astype(float), binary.frame)
    assert labels.metrics["accuracy_score"] == binary.model.score(binary.X, binary.y)
    assert labels.left_out["roc_auc"] == "the model gives no probabilities"
    whole = evaluate(binary.model, binary.frame)
    for sure in (
        binary.model.predict_proba,
        lambda X: binary.model.predict_proba(X)[:, 1],
        lambda X: binary.model.predict_proba(X)[:, [1]],
        lambda X: pd.DataFrame(binary.model.predict_proba(X)),
    ):
        found = evaluate(sure, binary.frame).metrics
        assert found == pytest.approx({k: whole.metrics[k] for k in whole.metrics if k != "score"})
    named = evaluate(three.model.predict_proba, three.frame).metrics
    whole = evaluate(three.model, three.frame)
    assert named["log_loss"] == pytest.approx(whole.metrics["log_loss"])


def test_probabilities_of_one_class_of_two_texts_are_understood(
    project: Project, binary: Any
) -> None:
    frame = binary.frame.assign(target=np.where(binary.y == 1, "yes", "no"))
    found = evaluate(lambda X: binary.model.predict_proba(X)[:, 1], frame).metrics
    whole = evaluate(binary.model, binary.frame).metrics
    assert found == pytest.approx({name: whole[name] for name in whole if name != "score"})


class Backwards:
    """A classifier whose columns are not in order."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.classes_ = model.classes_[::-1]

    def predict(self, X: Any) -> Any:
        return self.model.predict(X)

    def predict_proba(self, X: Any) -> Any:
        return self.model.predict_proba(X)[:, ::-1]


def test_the_order_of_a_models_columns_does_not_matter(
    project: Project, binary: Any, three: Any
) -> None:
    for fitted in (binary, three):
        whole = evaluate(fitted.model, fitted.frame).metrics
        turned = evaluate(Backwards(fitted.model), fitted.frame).metrics
        assert turned == pytest.approx({name: whole[name] for name in whole if name != "score"})


class Strange:
    """A classifier whose probabilities are not one for each class."""

    def __init__(self, model: Any) -> None:
        self.predict = model.predict

    def predict_proba(self, X: Any) -> Any:
        return np.zeros((len(X), 5))


def test_probabilities_of_other_classes_are_left_out(project: Project, binary: Any) -> None:
    result = evaluate(Strange(binary.model), binary.frame)
    rows = len(binary.frame)
    assert result.left_out["log_loss"] == f"they have the shape ({rows}, 5) for 2 classes"
    assert result.metrics["accuracy_score"] == binary.model.score(binary.X, binary.y)


def test_truth_values_are_classes(project: Project, binary: Any) -> None:
    model = type(binary.model)().fit(binary.X, binary.y == 1)
    found = evaluate(model, binary.frame.assign(target=binary.y == 1)).metrics
    sure = model.predict_proba(binary.X)
    assert found["log_loss"] == pytest.approx(skm.log_loss(binary.y, sure))
    assert found["roc_auc"] == pytest.approx(skm.roc_auc_score(binary.y, sure[:, 1]))


def test_numbers_that_are_no_probabilities_still_tell_the_class(
    project: Project, three: Any
) -> None:
    result = evaluate(three.model.predict_joint_log_proba, three.frame)
    assert result.metrics["accuracy_score"] == three.model.score(three.X, three.y)
    assert result.left_out["log_loss"] == "the model's rows of numbers do not sum to one"


def test_predictions_in_the_data_are_measured(project: Project, binary: Any) -> None:
    p = binary.model.predict(binary.X)
    frame = pd.DataFrame({"target": binary.y, "p": p})
    result = evaluate(None, frame)
    assert result.metrics["f1_score"] == pytest.approx(skm.f1_score(binary.y, p))
    dataset = chiplog.data.from_pandas(frame, targets="target", predictions="p")
    same = chiplog.models.evaluate(data=dataset, model_type="classifier")
    assert same.metrics == result.metrics
    digest = chiplog.get_run(str(same.run_id)).inputs.dataset_inputs[0].dataset.digest
    assert digest == dataset.digest


@pytest.mark.parametrize(
    ("true", "said"),
    [
        ([True, False, True], [True, True, True]),
        ([True, False, True], [1, 1, 1]),
        ([1, 0, 1], [1.0, 1.0, 1.0]),
        (pd.Categorical(["b", "a", "b"]), ["b", "b", "b"]),
        (pd.array(["b", "a", "b"], dtype="string"), pd.Categorical(["b", "b", "b"])),
        (pd.array([1, 0, 1], dtype="Int64"), np.asarray([1, 1, 1], dtype=object)),
        ([2.0, 1.0, 2.0], [2, 2, 2]),
        (np.asarray([1, 0, 1], "uint64"), np.asarray([1, 1, 1], "int8")),
    ],
)
def test_labels_of_any_kind_are_compared(project: Project, true: Any, said: Any) -> None:
    result = evaluate(None, pd.DataFrame({"target": true, "p": said}))
    found = result.metrics
    assert [found[name] for name in COUNTS] == [0, 1, 0, 2]
    assert found["precision_score"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("true", "said", "config", "text"),
    [
        (["a", "b"], [0, 1], {}, r"some are texts .*some numbers"),
        ([0, 1], [None, 1], {}, "predictions lack 1 values"),
        ([0, 1], ["a", 1], {}, "several types, int, str"),
        ([1, 0], [0, float("inf")], {}, "predictions are numbers such as inf"),
        ([0.5, 1], [0, 1], {}, "such as 0.5, which are no labels. Is it model_type='regressor'"),
        ([0, 1], [float("nan"), 1.0], {}, "predictions lack 1 values"),
        ([0, 1], [0, 1], {"pos_label": 3}, r"pos_label=3 is none of the classes \[0, 1\]"),
        ([0, 1, 2], [0, 1, 2], {"pos_label": 1}, "is for two classes; there are 3"),
        ([0, 1, 2], [0, 1, 2], {"average": "binary"}, "is for two classes; there are 3"),
        ([0, 1], [0, 1], {"average": "mean"}, "'mean' is none of 'binary', 'macro'"),
        (pd.to_datetime(["2020-01-01"] * 2), [0, 1], {}, "are no labels"),
    ],
)
def test_labels_that_cannot_be_compared_are_told(
    project: Project, true: Any, said: Any, config: dict[str, Any], text: str
) -> None:
    frame = pd.DataFrame({"target": true, "p": pd.Series(said, dtype=object)})
    with pytest.raises(InvalidValue, match=text):
        evaluate(None, frame, **config)


def test_too_many_classes_for_curves_are_told(project: Project, three: Any) -> None:
    result = evaluate(three.model, three.frame, draw=True, max_classes_for_multiclass_roc_pr=2)
    assert "more than max_classes_for_multiclass_roc_pr=2" in result.left_out["curves"]
    assert result.artifacts.keys() == {"confusion_matrix", "per_class_metrics"}


def test_a_prefix_stands_before_every_metric(project: Project, binary: Any) -> None:
    result = evaluate(binary.model, binary.frame, metric_prefix="val_")
    assert all(name.startswith("val_") for name in result.metrics)
    assert chiplog.get_run(str(result.run_id)).data.metrics.keys() == result.metrics.keys()


def test_an_unknown_setting_is_told_with_the_one_it_may_mean(
    project: Project, binary: Any, caplog: pytest.LogCaptureFixture
) -> None:
    evaluate(binary.model, binary.frame, pos_lable=0, mine=1)
    assert "'pos_lable', which the default evaluator does not know. Is it 'pos_label'?" in (
        caplog.text
    )
    assert "mine" not in caplog.text


def test_evaluating_leaves_no_trace_in_the_models_own_run(project: Project, binary: Any) -> None:
    api.autolog(log_models=False)
    from sklearn.base import clone

    with chiplog.start_run() as training:
        model = clone(binary.model).fit(binary.X, binary.y)
    before = chiplog.get_run(training.info.run_id).data.metrics
    result = evaluate(model, binary.frame)
    assert result.run_id != training.info.run_id
    assert chiplog.get_run(training.info.run_id).data.metrics == before
