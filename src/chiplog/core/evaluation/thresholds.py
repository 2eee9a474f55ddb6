"""What an evaluation's metrics must reach, and the check that they do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chiplog.core.errors import ChiplogError, InvalidValue, WrongType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chiplog.core.evaluation.result import EvaluationResult


class ModelValidationFailedException(ChiplogError):
    """An evaluation that is not good enough; the text names every metric that fell short."""

    default_code = "BAD_REQUEST"


@dataclass(frozen=True)
class MetricThreshold:
    """What one metric must reach. At least one of the first three is given, and the last.

    Attributes:
        threshold: the value to reach: at least, or at most where smaller is better.
        min_absolute_change: by how much it must be better than the baseline's; positive.
        min_relative_change: the same as a share of the baseline's, from 0 to 1.
        greater_is_better: whether a greater value is the better one.
    """

    threshold: float | None = None
    min_absolute_change: float | None = None
    min_relative_change: float | None = None
    greater_is_better: bool | None = None

    def __post_init__(self) -> None:
        numbers = {
            "threshold": self.threshold,
            "min_absolute_change": self.min_absolute_change,
            "min_relative_change": self.min_relative_change,
        }
        given = {name: value for name, value in numbers.items() if value is not None}
        for name, value in given.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise WrongType(f"{name} must be a number, not {value!r}.")
        if not given:
            raise InvalidValue(f"Give at least one of {', '.join(numbers)}.")
        if not isinstance(self.greater_is_better, bool):
            raise InvalidValue(
                "Say with greater_is_better=True or False which way the metric is better; "
                f"it is {self.greater_is_better!r}."
            )
        if given.get("min_absolute_change", 1) <= 0:
            raise InvalidValue(
                f"min_absolute_change must be positive, not {self.min_absolute_change!r}."
            )
        if not 0 < given.get("min_relative_change", 1) <= 1:
            raise InvalidValue(
                "min_relative_change must be above 0 and at most 1, not "
                f"{self.min_relative_change!r}."
            )

    @property
    def needs_baseline(self) -> bool:
        """Whether the metric is compared with a baseline's."""
        return self.min_absolute_change is not None or self.min_relative_change is not None


def validate_evaluation_results(
    validation_thresholds: Mapping[str, MetricThreshold],
    candidate_result: EvaluationResult,
    baseline_result: EvaluationResult | None = None,
) -> None:
    """Check that an evaluation reaches its thresholds, and is better than a baseline's.

    Raises:
        ModelValidationFailedException: it does not; every metric that fell short is named.
        WrongType: a threshold is none.
    """
    for name, threshold in validation_thresholds.items():
        if not isinstance(threshold, MetricThreshold):
            raise WrongType(
                f"The threshold of {name!r} must be a MetricThreshold, not {threshold!r}."
            )
    baseline = None if baseline_result is None else baseline_result.metrics
    failures = [
        failure
        for name, threshold in validation_thresholds.items()
        for failure in _failures(name, threshold, candidate_result.metrics, baseline)
    ]
    if failures:
        listed = "\n".join(f"    {failure}" for failure in failures)
        raise ModelValidationFailedException(
            f"The model does not reach {len(failures)} of what is asked of it:\n{listed}"
        )


def _failures(
    name: str,
    threshold: MetricThreshold,
    candidate: Mapping[str, float],
    baseline: Mapping[str, float] | None,
) -> Iterator[str]:
    """What a metric falls short of, a sentence each."""
    value = candidate.get(name)
    if value is None:
        yield f"{name}: the evaluation has no such metric; it has {_listed(candidate)}."
        return
    sign = 1 if threshold.greater_is_better else -1
    better = "at least" if threshold.greater_is_better else "at most"
    # A NaN is on neither side of a bound, and reaches none.
    if threshold.threshold is not None and not sign * value >= sign * threshold.threshold:
        yield f"{name} = {value:.6g}: it must be {better} {threshold.threshold:.6g}."
    if not threshold.needs_baseline:
        return
    if baseline is None:
        yield f"{name}: it is to be better than a baseline's; give that as baseline_result."
        return
    before = baseline.get(name)
    if before is None:
        yield f"{name}: the baseline has no such metric; it has {_listed(baseline)}."
        return
    if threshold.min_absolute_change is not None:
        bound = before + sign * threshold.min_absolute_change
        if not sign * value >= sign * bound:
            yield (
                f"{name} = {value:.6g}: it must be {better} {bound:.6g}, the baseline's "
                f"{before:.6g} bettered by {threshold.min_absolute_change:.6g}."
            )
    if threshold.min_relative_change is not None:
        yield from _relative_failure(name, threshold.min_relative_change, sign, value, before)


def _relative_failure(
    name: str, share: float, sign: int, value: float, before: float
) -> Iterator[str]:
    if before == 0:  # no share of nothing: better is enough
        if not sign * value > 0:
            yield f"{name} = {value:.6g}: it must be better than the baseline's 0."
        return
    change = sign * (value - before) / abs(before)
    if not change >= share or math.isnan(change):
        yield (
            f"{name} = {value:.6g}: it is {change:.2%} better than the baseline's {before:.6g}, "
            f"where {share:.2%} is asked."
        )


def _listed(metrics: Mapping[str, float]) -> str:
    return ", ".join(sorted(metrics)) or "none"
