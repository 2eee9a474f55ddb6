"""The settings of the default evaluator, by MLflow's names."""

from __future__ import annotations

import difflib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("chiplog.evaluation")

_AVERAGES: Final = frozenset({"binary", "micro", "macro", "weighted"})

# What MLflow knows and has no meaning here, or is read elsewhere.
_OTHERS: Final = frozenset(
    {
        "explainability_kernel_link",
        "log_explainer",
        "log_metrics_with_dataset_info",
        "sample_weights",
    }
)


@dataclass(frozen=True)
class DefaultConfig:
    """Settings of the default evaluator.

    Attributes:
        pos_label: the class of two that counts as positive; the last in order by default.
        average: how precision, recall and F1 of several classes become one number: ``binary``,
            ``micro``, ``macro`` or ``weighted``, which is the default of more than two classes.
        metric_prefix: stands before the name of every metric, and of every artifact's file.
        max_classes_for_multiclass_roc_pr: beyond, no curves are drawn.
        log_plots: whether plots are drawn; without, an evaluation takes a few milliseconds.
        log_model_explainability: whether SHAP says which features count, if it is installed.
        explainability_algorithm: SHAP's algorithm, such as ``permutation``; by default its choice.
        explainability_nsamples: how many rows SHAP explains; by default 2000 of a model that it
            knows how to take apart, 30 of any other.
        col_mapping: for parameters of extra metrics, the columns or values they stand for.
    """

    pos_label: Any = None
    average: str | None = None
    metric_prefix: str = ""
    max_classes_for_multiclass_roc_pr: int = 10
    log_plots: bool = True
    log_model_explainability: bool = True
    explainability_algorithm: str | None = None
    explainability_nsamples: int | None = None
    col_mapping: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> DefaultConfig:
        """Read the settings; those that extra metrics may ask for are left to them."""
        known = cls.__dataclass_fields__.keys()
        for name in settings.keys() - known - _OTHERS:
            near = difflib.get_close_matches(str(name), [*known, *_OTHERS], 1)
            if near:
                _log.warning(
                    "evaluator_config has %r, which the default evaluator does not know. Is it %r?",
                    name,
                    near[0],
                )
        found = {name: value for name, value in settings.items() if name in known}
        config = cls(**{name: value for name, value in found.items() if value is not None})
        if config.average is not None and config.average not in _AVERAGES:
            listed = ", ".join(map(repr, sorted(_AVERAGES)))
            raise InvalidValue(f"average={config.average!r} is none of {listed}.")
        return config
