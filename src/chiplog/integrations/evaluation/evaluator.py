"""The evaluator ``default``: classifiers, regressors, and metrics of the user's own."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import MissingLibrary
from chiplog.core.evaluation.evaluator import EvaluationTask, Findings
from chiplog.core.evaluation.plots import can_draw
from chiplog.core.evaluation.values import as_values
from chiplog.integrations.evaluation.config import DefaultConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES: Final = frozenset({"classifier", "regressor"})


class DefaultEvaluator:
    """Measures classifiers and regressors, and computes the user's own metrics."""

    name = "default"

    def can_evaluate(self, model_type: str | None, config: Mapping[str, Any]) -> bool:  # noqa: ARG002 - the protocol's
        """Whether it is a classifier, a regressor, or anything with metrics of its own."""
        return model_type is None or model_type in _TYPES

    def evaluate(self, task: EvaluationTask) -> Findings:
        """Measure; raises MissingLibrary without scikit-learn or matplotlib."""
        config = DefaultConfig.of(task.config)
        findings = Findings()
        if task.model_type in _TYPES:
            _need_libraries(plots=config.log_plots)
        if task.model_type == "classifier":
            from chiplog.integrations.evaluation.classifier import measure_classifier

            predicted = measure_classifier(task, config, findings)
        elif task.model_type == "regressor":
            from chiplog.integrations.evaluation.regressor import measure_regressor

            predicted = measure_regressor(task, findings)
        elif task.model is not None:
            predicted = as_values(task.model.predict(task.dataset.features))
        else:
            predicted = np.asarray(task.dataset.predictions)
        if task.model_type in _TYPES:
            _score(task, findings)
            from chiplog.integrations.evaluation.explanation import explain

            explain(task, config, findings)
        if task.extra_metrics or task.custom_artifacts:
            from chiplog.integrations.evaluation.custom import add_custom

            add_custom(task, config, predicted, findings)
        for artifact in findings.artifacts.values():
            artifact.file = config.metric_prefix + artifact.file
        findings.metrics = {
            config.metric_prefix + name: _number(value) for name, value in findings.metrics.items()
        }
        return findings


def _need_libraries(*, plots: bool) -> None:
    try:
        import sklearn  # noqa: F401 - whether it is there
    except ImportError as error:
        raise MissingLibrary(
            "The default evaluator needs scikit-learn and matplotlib; scikit-learn is not "
            "installed.\n    pip install 'chiplog[sklearn]'"
        ) from error
    if plots and not can_draw():
        raise MissingLibrary(
            "The default evaluator needs scikit-learn and matplotlib; matplotlib is not "
            "installed.\n    pip install 'chiplog[sklearn]'\n"
            "evaluator_config={'log_plots': False} does without plots."
        )


def _score(task: EvaluationTask, findings: Findings) -> None:
    """Record what the framework's model itself calls its score."""
    from sklearn.base import ClassifierMixin, RegressorMixin

    method = task.model.method("score") if task.model else None
    if method is None or task.model is None:
        return
    known = {ClassifierMixin.score: "accuracy_score", RegressorMixin.score: "r2_score"}
    same = findings.metrics.get(known.get(getattr(type(task.model.raw), "score", None), ""))
    if same is not None:  # under another name
        findings.metrics["score"] = same
        return
    weights = task.dataset.weights
    options = {} if weights is None else {"sample_weight": weights}
    try:
        score = method(task.dataset.features, task.dataset.labels, **options)
    except Exception as error:
        findings.left_out["score"] = f"{type(error).__name__}: {error}"
        return
    if isinstance(score, numbers.Real):
        findings.metrics["score"] = float(score)


def _number(value: Any) -> float:
    """A plain number: what counts rows stays whole."""
    return value if isinstance(value, int) else float(value)
