"""Metrics of a user's own, computed in an evaluation beside the evaluator's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import InvalidValue, WrongType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass
class MetricValue:
    """What a metric gives: a score for each row, numbers about all rows, or both.

    Attributes:
        scores: one for each row; numbers, or texts.
        justifications: a text for each score.
        aggregate_results: numbers by name; of numeric scores alone it is their mean, variance and
            90th percentile.
    """

    scores: Sequence[float | str | None] | None = None
    justifications: Sequence[str] | None = None
    aggregate_results: dict[str, float] | None = None

    def __post_init__(self) -> None:
        if self.aggregate_results is None and self.scores is not None and len(self.scores):
            try:
                scores = np.asarray(self.scores, dtype=np.float64)
            except (TypeError, ValueError):  # texts have no mean
                return
            self.aggregate_results = {
                "mean": float(scores.mean()),
                "variance": float(scores.var()),
                "p90": float(np.percentile(scores, 90)),
            }


@dataclass(frozen=True)
class EvaluationMetric:
    """A metric of one's own; :func:`make_metric` makes one.

    Attributes:
        eval_fn: computes it. What it is given goes by its parameters' names: ``predictions`` and
            ``targets`` (series, a value for each row), ``metrics`` (those computed before, by
            name), or ``eval_df`` (both as columns ``prediction`` and ``target``) and
            ``builtin_metrics``; any other name is a column of the data or a setting of
            ``evaluator_config``. It gives a number, or a :class:`MetricValue`.
        name: how it is recorded.
        greater_is_better: whether a greater value is the better one.
        version: follows the name, as in ``name/v1``.
    """

    eval_fn: Callable[..., Any]
    name: str
    greater_is_better: bool
    long_name: str | None = None
    version: str | None = None
    metric_details: str | None = None
    metric_metadata: Mapping[str, Any] | None = field(default=None)

    @property
    def key(self) -> str:
        """The name under which it is recorded."""
        return f"{self.name}/{self.version}" if self.version else self.name


def make_metric(
    *,
    eval_fn: Callable[..., Any],
    greater_is_better: bool,
    name: str | None = None,
    long_name: str | None = None,
    version: str | None = None,
    metric_details: str | None = None,
    metric_metadata: Mapping[str, Any] | None = None,
) -> EvaluationMetric:
    """Make a metric of a function, named as the function is; see :class:`EvaluationMetric`."""
    if not callable(eval_fn):
        raise WrongType(f"eval_fn must be a function, not {eval_fn!r}.")
    chosen = name if name is not None else getattr(eval_fn, "__name__", "<lambda>")
    if chosen == "<lambda>":
        raise InvalidValue("The metric's function has no name of its own: give name='...'.")
    if not chosen or not isinstance(chosen, str):
        raise InvalidValue(f"A metric's name must be a text, not {chosen!r}.")
    return EvaluationMetric(
        eval_fn, chosen, greater_is_better, long_name, version, metric_details, metric_metadata
    )
