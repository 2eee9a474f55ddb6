"""Evaluators: what measures a model. Named by the hook ``chiplog_evaluators``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from chiplog.core.errors import NotFound
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chiplog.core.evaluation.artifacts import EvaluationArtifact
    from chiplog.core.evaluation.dataset import EvaluationDataset
    from chiplog.core.evaluation.metrics import EvaluationMetric
    from chiplog.core.evaluation.subject import Subject


@dataclass(frozen=True)
class EvaluationTask:
    """What an evaluator is asked to do.

    Attributes:
        model_type: ``classifier``, ``regressor`` or what a plugin makes of another text; None asks
            for the extra metrics alone.
        model: None where the data's own predictions are evaluated.
        config: the evaluator's settings.
        extra_metrics, custom_artifacts: what the user adds.
        run_id: the run in which it is recorded.
    """

    model_type: str | None
    dataset: EvaluationDataset
    model: Subject | None
    config: Mapping[str, Any] = field(default_factory=dict)
    extra_metrics: Sequence[EvaluationMetric] = ()
    custom_artifacts: Sequence[Callable[..., Any]] = ()
    run_id: str = ""


@dataclass
class Findings:
    """What an evaluator found. chiplog records it: the evaluator need not.

    Attributes:
        metrics: numbers by name.
        artifacts: files by name.
        tables: pandas DataFrames by name, a row for each of the data's.
        left_out: what could not be measured, and why.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    artifacts: dict[str, EvaluationArtifact] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class ModelEvaluator(Protocol):
    """Measures models.

    Attributes:
        name: how ``evaluate(evaluators=...)`` calls it.
    """

    name: str

    def can_evaluate(self, model_type: str | None, config: Mapping[str, Any]) -> bool:
        """Whether it measures models of that type. Must be quick, and import no framework."""

    def evaluate(self, task: EvaluationTask) -> Findings:
        """Measure; what cannot be measured goes to ``left_out``."""


def evaluators() -> dict[str, ModelEvaluator]:
    """Every evaluator by name; where two plugins name one, the later wins."""
    return {one.name: one for found in plugins().hook.chiplog_evaluators() for one in found}


def list_evaluators() -> list[str]:
    """The names of the evaluators there are."""
    return sorted(evaluators())


def get_evaluator(name: str) -> ModelEvaluator:
    """The evaluator of that name; raises NotFound with the names there are."""
    known = evaluators()
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise NotFound(f"No plugin provides the evaluator {name!r}. Known evaluators: {listed}.")
    return known[name]
