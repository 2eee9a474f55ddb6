"""The plots of a classifier."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn import metrics as skm

from chiplog.core.evaluation import plots
from chiplog.core.evaluation.artifacts import EvaluationArtifact
from chiplog.core.evaluation.plots import Line, thinned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from chiplog.core.evaluation.evaluator import Findings
    from chiplog.integrations.evaluation.answers import Answers
    from chiplog.integrations.evaluation.config import DefaultConfig

    Values = npt.NDArray[Any]

_MAX_MATRIX: Final = 1000
_BINS: Final = 10


def draw_matrix(answers: Answers, findings: Findings) -> None:
    """Draw which classes were taken for which."""
    if len(answers.classes) > _MAX_MATRIX:
        findings.left_out["confusion_matrix"] = f"it would have {len(answers.classes)} classes"
        return
    counts = skm.confusion_matrix(
        answers.true, answers.predicted, labels=answers.classes, sample_weight=answers.weights
    ).astype(np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals != 0)
    names = [str(label) for label in answers.classes.tolist()]
    _put(findings, "confusion_matrix", plots.draw_confusion(shares, names))


def draw_curves(answers: Answers, config: DefaultConfig, positive: Any, findings: Findings) -> None:
    """Draw the curves of how sure the model is: of the positive class, or of each."""
    columns = _columns(answers, positive, config, findings)
    if not columns:
        return
    drawn: list[tuple[str, Callable[[Sequence[Line]], bytes], Callable[..., Line]]] = [
        ("roc_curve_plot", plots.draw_roc, _roc),
        ("precision_recall_curve_plot", plots.draw_precision_recall, _precision_recall),
    ]
    if positive is not None:
        drawn.append(("lift_curve_plot", plots.draw_lift, _lift))
    if answers.probabilities is not None:
        drawn.append(("calibration_curve_plot", plots.draw_calibration, _calibration))
    else:
        findings.left_out["calibration_curve_plot"] = "the model gives no probabilities"
    rows = np.ones(len(answers.true)) if answers.weights is None else answers.weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, draw, line_of in drawn:
            lines = [line_of(label, is_it, sure, rows) for label, is_it, sure in columns]
            _put(findings, name, draw(lines))


def _columns(
    answers: Answers, positive: Any, config: DefaultConfig, findings: Findings
) -> list[tuple[str, Values, Values]]:
    """For each curve: the class's name, which rows are of it, and how sure the model was."""
    sure = answers.columns
    if sure is None:
        findings.left_out["curves"] = findings.left_out.get("roc_auc", "there are no scores")
        return []
    if positive is None and len(answers.classes) > config.max_classes_for_multiclass_roc_pr:
        findings.left_out["curves"] = (
            f"there are {len(answers.classes)} classes, more than "
            f"max_classes_for_multiclass_roc_pr={config.max_classes_for_multiclass_roc_pr}"
        )
        return []
    found = []
    for at, label in enumerate(answers.classes):
        is_it = answers.true == label
        if (positive is None or label == positive) and is_it.any() and not is_it.all():
            name = "" if positive is not None else plots.shortened(str(label))
            found.append((name, is_it, sure[:, at]))
    if not found:
        findings.left_out["curves"] = findings.left_out.get("roc_auc", "there is one class only")
    return found


def _roc(name: str, is_it: Values, sure: Values, rows: Values) -> Line:
    false, true, _ = skm.roc_curve(is_it, sure, sample_weight=rows)
    kept = thinned(len(false))
    return Line(false[kept], true[kept], _label(name, "AUC", skm.auc(false, true)))


def _precision_recall(name: str, is_it: Values, sure: Values, rows: Values) -> Line:
    precision, recall, _ = skm.precision_recall_curve(is_it, sure, sample_weight=rows)
    kept = thinned(len(recall))[::-1]
    average = skm.average_precision_score(is_it, sure, sample_weight=rows)
    return Line(recall[kept], precision[kept], _label(name, "AP", average))


def _lift(name: str, is_it: Values, sure: Values, rows: Values) -> Line:
    order = np.argsort(-sure, kind="stable")
    seen, hits = np.cumsum(rows[order]), np.cumsum((rows * is_it)[order])
    share = hits[-1] / seen[-1]
    ends = np.r_[np.flatnonzero(np.diff(sure[order])), len(order) - 1]  # ties are one step
    ends = ends[seen[ends] > 0]
    kept = ends[thinned(len(ends))]
    return Line(seen[kept] / seen[-1], hits[kept] / seen[kept] / share, name or "model")


def _calibration(name: str, is_it: Values, sure: Values, rows: Values) -> Line:
    bins = np.clip((sure * _BINS).astype(int), 0, _BINS - 1)
    totals = np.bincount(bins, rows, _BINS)
    met = totals > 0
    mean = np.bincount(bins, rows * sure, _BINS)[met] / totals[met]
    share = np.bincount(bins, rows * is_it, _BINS)[met] / totals[met]
    return Line(mean, share, name or "model")


def _label(name: str, what: str, value: float) -> str:
    return f"{name}: {what} = {value:.4g}" if name else f"{what} = {value:.4g}"


def _put(findings: Findings, name: str, png: bytes) -> None:
    findings.artifacts[name] = EvaluationArtifact(f"{name}.png", png)
