"""How well a classifier does: scikit-learn's metrics, overall and for each class, and plots."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import metrics as skm

from chiplog.core.errors import InvalidValue
from chiplog.core.evaluation.artifacts import EvaluationArtifact
from chiplog.integrations.evaluation.answers import Answers
from chiplog.integrations.evaluation.classes import Areas, counts_of, table_of
from chiplog.integrations.evaluation.curves import draw_curves, draw_matrix

if TYPE_CHECKING:
    import numpy.typing as npt

    from chiplog.core.evaluation.evaluator import EvaluationTask, Findings
    from chiplog.integrations.evaluation.config import DefaultConfig


def measure_classifier(
    task: EvaluationTask, config: DefaultConfig, findings: Findings
) -> npt.NDArray[Any]:
    """Measure a classifier; hands back the predicted labels."""
    answers = Answers.of(task)
    positive = _positive(answers, config)
    findings.left_out.update(answers.left_out)
    found = findings.metrics
    with warnings.catch_warnings():
        # What scikit-learn warns of is said in left_out, or is 0 by convention.
        warnings.simplefilter("ignore")
        if positive is not None:
            at = int(np.flatnonzero(answers.classes == positive)[0])
            found.update({name: int(each[at]) for name, each in counts_of(answers).items()})
        found["example_count"] = len(answers.true)
        found.update(_label_metrics(answers, config, positive))
        areas = Areas.of(answers)
        _sure_metrics(answers, areas, config, positive, findings)
        table = table_of(answers, areas)
    findings.artifacts["per_class_metrics"] = EvaluationArtifact("per_class_metrics.csv", table)
    if config.log_plots:
        draw_matrix(answers, findings)
        draw_curves(answers, config, positive, findings)
    return answers.predicted


def _positive(answers: Answers, config: DefaultConfig) -> Any:
    """The class of two that counts as positive; None if there are not two."""
    wanted = config.pos_label
    if wanted is None:
        return answers.classes[1] if answers.is_binary else None
    if not answers.is_binary:
        raise InvalidValue(
            f"pos_label={wanted!r} is for two classes; there are {len(answers.classes)}: "
            f"{answers.classes[:20].tolist()}."
        )
    at = np.flatnonzero(answers.classes == wanted)
    if len(at) != 1:
        raise InvalidValue(
            f"pos_label={wanted!r} is none of the classes {answers.classes.tolist()}."
        )
    return answers.classes[at[0]]


def _label_metrics(answers: Answers, config: DefaultConfig, positive: Any) -> dict[str, float]:
    average = config.average or ("weighted" if positive is None else "binary")
    if average == "binary" and positive is None:
        raise InvalidValue(
            f"average='binary' is for two classes; there are {len(answers.classes)}."
        )
    options: dict[str, Any] = {"average": average, "sample_weight": answers.weights}
    if average == "binary":
        options["pos_label"] = positive
    true, predicted = answers.true, answers.predicted
    return {
        "accuracy_score": skm.accuracy_score(true, predicted, sample_weight=answers.weights),
        "recall_score": skm.recall_score(true, predicted, zero_division=0, **options),
        "precision_score": skm.precision_score(true, predicted, zero_division=0, **options),
        "f1_score": skm.f1_score(true, predicted, zero_division=0, **options),
    }


def _sure_metrics(
    answers: Answers, areas: Areas | None, config: DefaultConfig, positive: Any, findings: Findings
) -> None:
    """The metrics of how sure the model is."""
    left_out, found = findings.left_out, findings.metrics
    if answers.probabilities is not None:
        found["log_loss"] = skm.log_loss(
            answers.true,
            answers.probabilities,
            labels=answers.classes,
            sample_weight=answers.weights,
        )
    else:
        left_out["log_loss"] = left_out.get("probabilities", "the model gives no probabilities")
    if areas is None:
        left_out["roc_auc"] = left_out["log_loss"]
        return
    met = ~np.isnan(areas.roc)
    average = config.average or "weighted"
    if not met.any():
        left_out["roc_auc"] = f"the targets have one class only, {answers.true[0].item()!r}"
    elif positive is not None:
        at = int(np.flatnonzero(answers.classes == positive)[0])
        found["roc_auc"] = areas.roc[at]
        found["precision_recall_auc"] = areas.precision_recall[at]
    elif average == "weighted":
        # As scikit-learn's multi_class="ovr"; a class that the data lacks counts nothing.
        found["roc_auc"] = np.average(areas.roc[met], weights=areas.shares[met])
    elif average == "macro" and met.all():
        found["roc_auc"] = areas.roc.mean()
    elif met.all():
        left_out["roc_auc"] = f"it has no average={average!r}"
    else:
        left_out["roc_auc"] = f"the targets lack the class {answers.classes[~met][0].item()!r}"
