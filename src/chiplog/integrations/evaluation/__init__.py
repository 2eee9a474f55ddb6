"""The default evaluator: what this plugin provides. The heavy code is imported when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.evaluation.evaluator import ModelEvaluator


@hookimpl
def chiplog_evaluators() -> Iterable[ModelEvaluator]:
    """Measure classifiers and regressors."""
    from chiplog.integrations.evaluation.evaluator import DefaultEvaluator

    return [DefaultEvaluator()]
