"""What a trained estimator gives on its training data: metrics, and the plots of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.autolog.nesting import suspended
from chiplog.core.evaluation.plots import draw_confusion, draw_precision_recall, draw_roc
from chiplog.hooks.patcher import definer
from chiplog.integrations.sklearn import lines, metrics
from chiplog.integrations.sklearn.estimators import is_classifier, is_regressor
from chiplog.integrations.sklearn.metrics import Curve, Labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.integrations.sklearn.data import TrainingData

PREFIX = "training_"


@dataclass
class Outcome:
    """What was found on the training data.

    Attributes:
        metrics: by their full names.
        missing: what could not be computed, and why.
        figures: file name, drawing function, and its small arguments.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    figures: list[tuple[str, Callable[..., bytes], tuple[Any, ...]]] = field(default_factory=list)
    predictions: Any = None

    def add(self, found: dict[str, float]) -> None:
        """Add metrics by their short names."""
        self.metrics.update((PREFIX + name, value) for name, value in found.items())


def evaluate(
    estimator: Any, data: TrainingData, pos_label: object = None, *, draw: bool = True
) -> Outcome:
    """Evaluate an estimator on what it was trained on; predicts once."""
    outcome = Outcome()
    if not data.can_be_read_again:
        outcome.missing["training metrics"] = (
            f"the training data is a {type(data.X).__name__}, which cannot be read twice"
        )
        return outcome
    if data.y is None:
        return outcome
    with suspended():
        if hasattr(estimator, "predict") and is_classifier(estimator):
            _classify(estimator, data, pos_label, outcome, draw=draw)
        elif hasattr(estimator, "predict") and is_regressor(estimator):
            _regress(estimator, data, outcome)
        _score(estimator, data, outcome)
    return outcome


def _classify(
    estimator: Any, data: TrainingData, pos_label: object, outcome: Outcome, *, draw: bool
) -> None:
    predicted = outcome.predictions = estimator.predict(data.X)
    labels = Labels.encode(data.y, predicted, data.weights)
    found = label_metrics_of(labels, pos_label)
    if found is None:
        found, failed = metrics.by_sklearn(
            data.y, predicted, data.weights, classifier=True, pos_label=pos_label
        )
        outcome.missing.update((PREFIX + name, why) for name, why in failed.items())
    outcome.add(found)
    if labels is None:
        return
    if draw:
        _draw_confusion(labels, outcome)
    if hasattr(estimator, "predict_proba"):
        _probabilities(estimator, data, outcome, draw=draw)
    elif draw and len(labels.classes) == 2 and hasattr(estimator, "decision_function"):
        scores = np.asarray(estimator.decision_function(data.X))
        positive = np.asarray(data.y).ravel() == np.asarray(estimator.classes_)[-1]
        if scores.shape == positive.shape:
            _draw_curves(Curve.of(positive, scores, labels.weights), outcome)


def label_metrics_of(labels: Labels | None, pos_label: object) -> dict[str, float] | None:
    """The metrics of labels, if they are plain ones."""
    return None if labels is None else metrics.label_metrics(labels, pos_label)


def _draw_confusion(labels: Labels, outcome: Outcome) -> None:
    counts = labels.confusion()
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals != 0)
    if len(labels.classes) > 1000:
        outcome.missing["confusion matrix"] = f"it would have {len(labels.classes)} classes"
        return
    names = [str(label) for label in labels.classes.tolist()]
    outcome.figures.append(("training_confusion_matrix.png", draw_confusion, (shares, names)))


def _probabilities(estimator: Any, data: TrainingData, outcome: Outcome, *, draw: bool) -> None:
    probabilities = np.asarray(estimator.predict_proba(data.X))
    classes, true = np.asarray(estimator.classes_), np.asarray(data.y).ravel()
    if probabilities.ndim != 2 or probabilities.shape != (len(true), len(classes)):
        outcome.missing["training_log_loss"] = "the probabilities have another shape"
        return
    numbers = np.searchsorted(classes, true)
    known = (numbers < len(classes)) & (classes[np.minimum(numbers, len(classes) - 1)] == true)
    if not known.all():
        outcome.missing["training_log_loss"] = "y has labels the estimator does not know"
        return
    weights = np.ones(len(true)) if data.weights is None else np.asarray(data.weights, dtype=float)
    if len(classes) < 2:
        outcome.missing["training_log_loss"] = "there is one class only"
        return
    found = {"log_loss": metrics.log_loss(numbers, probabilities, weights)}
    if len(classes) == 2:
        curve = Curve.of(numbers == 1, probabilities[:, 1], weights)
        if curve.is_complete:
            found["roc_auc"] = curve.area
            if draw:
                _draw_curves(curve, outcome)
        else:
            outcome.missing["training_roc_auc"] = "y has one class only"
    elif data.weights is not None:
        outcome.missing["training_roc_auc"] = "it has no weighted form for more than two classes"
    elif len(np.unique(numbers)) < len(classes):
        outcome.missing["training_roc_auc"] = "y lacks some of the estimator's classes"
    else:
        found["roc_auc"] = metrics.pairwise_auc(numbers, probabilities)
    outcome.add(found)


def _draw_curves(curve: Curve, outcome: Outcome) -> None:
    if not curve.is_complete:
        return
    outcome.figures.append(("training_roc_curve.png", draw_roc, ([lines.roc(curve)],)))
    found = lines.precision_recall(curve)
    outcome.figures.append(
        ("training_precision_recall_curve.png", draw_precision_recall, ([found],))
    )


def _regress(estimator: Any, data: TrainingData, outcome: Outcome) -> None:
    predicted = outcome.predictions = estimator.predict(data.X)
    found = metrics.regression_metrics(data.y, predicted, data.weights)
    if found is None:
        found, failed = metrics.by_sklearn(data.y, predicted, data.weights, classifier=False)
        outcome.missing.update((PREFIX + name, why) for name, why in failed.items())
    outcome.add(found)


def _score(estimator: Any, data: TrainingData, outcome: Outcome) -> None:
    """The estimator's own score; not computed anew where it is accuracy or R²."""
    if not hasattr(estimator, "score"):
        return
    known = _known_score(estimator)
    if known is not None and known in outcome.metrics:
        outcome.metrics[PREFIX + "score"] = outcome.metrics[known]
        return
    try:
        if data.weights is not None:
            value = estimator.score(data.X, data.y, sample_weight=data.weights)
        else:
            value = estimator.score(data.X, data.y)
        outcome.metrics[PREFIX + "score"] = float(value)
    except Exception as error:  # the estimator's own code
        outcome.missing[PREFIX + "score"] = f"{type(error).__name__}: {error}"


def _known_score(estimator: Any) -> str | None:
    """The training metric that the estimator's ``score`` is, if it is one."""
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.pipeline import Pipeline

    while type(estimator) is Pipeline:
        estimator = estimator._final_estimator  # noqa: SLF001 - what Pipeline.score asks
    where = definer(type(estimator), "score")
    if where is ClassifierMixin:
        return PREFIX + "accuracy_score"
    return PREFIX + "r2_score" if where is RegressorMixin else None
