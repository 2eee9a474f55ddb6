"""Which features a model's answers hang on, by SHAP where that is installed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.evaluation import plots
from chiplog.core.evaluation.artifacts import EvaluationArtifact

if TYPE_CHECKING:
    import numpy.typing as npt

    from chiplog.core.evaluation.evaluator import EvaluationTask, Findings
    from chiplog.integrations.evaluation.config import DefaultConfig

_NAME: Final = "shap_feature_importance_plot"
_ROWS: Final = 2000  # that are explained
_BACKGROUND: Final = 100  # rows that stand for the data where a feature is taken away
_FEW: Final = 30  # both, where each of them costs many predictions


def explain(task: EvaluationTask, config: DefaultConfig, findings: Findings) -> None:
    """Draw the mean size of each feature's SHAP values, or say why not."""
    if not config.log_model_explainability or task.model is None:
        return
    if importlib.util.find_spec("shap") is None:
        findings.left_out[_NAME] = "shap is not installed"
        return
    try:
        importance = _importance(task, config)
    except Exception as error:
        findings.left_out[_NAME] = f"{type(error).__name__}: {error}"
        return
    png = plots.draw_importance("Mean size of SHAP values", task.dataset.feature_names, importance)
    findings.artifacts[_NAME] = EvaluationArtifact(f"{_NAME}.png", png)


def _importance(task: EvaluationTask, config: DefaultConfig) -> npt.NDArray[np.float64]:
    """The mean absolute SHAP value of each feature, over rows and outputs, shape (d,)."""
    import shap

    assert task.model is not None
    data = task.model.prepare(task.dataset.features)
    options: dict[str, Any] = {}
    if config.explainability_algorithm:
        options["algorithm"] = config.explainability_algorithm
    try:
        explainer = shap.Explainer(task.model.raw, _some(data, _BACKGROUND), **options)
        rows, quiet = config.explainability_nsamples or _ROWS, {}
    except TypeError:  # SHAP has nothing of its own for such models: it asks them again and again
        asked = getattr(task.model.raw, "predict_proba", None) or task.model.predict
        explainer = shap.Explainer(asked, _some(data, _FEW), **options)
        rows, quiet = config.explainability_nsamples or _FEW, {"silent": True}
    found = explainer(_some(data, rows), **quiet)
    values = np.abs(np.asarray(found.values, dtype=np.float64))
    values = values.reshape(len(values), values.shape[1], -1)
    importance: npt.NDArray[np.float64] = values.mean(axis=(0, 2))
    return importance


def _some(features: Any, count: int) -> Any:
    """Rows spread evenly over the data."""
    length = int(features.shape[0])
    at = np.unique(np.linspace(0, length - 1, min(count, length)).astype(int))
    return features.iloc[at] if hasattr(features, "iloc") else features[at]
