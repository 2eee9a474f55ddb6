"""What an evaluation must reach, and what is said when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from chiplog.core.errors import ChiplogError, InvalidValue
from chiplog.core.evaluation.result import EvaluationResult
from chiplog.core.evaluation.thresholds import (
    MetricThreshold,
    ModelValidationFailedException,
    validate_evaluation_results,
)

NAN = float("nan")


def result(**metrics: float) -> EvaluationResult:
    return EvaluationResult(metrics)


def passes(threshold: MetricThreshold, value: float, baseline: float | None = None) -> bool:
    before = None if baseline is None else result(m=baseline)
    try:
        validate_evaluation_results({"m": threshold}, result(m=value), before)
    except ModelValidationFailedException:
        return False
    return True


@pytest.mark.parametrize(
    ("value", "greater", "expected"),
    [(0.8, True, True), (0.79, True, False), (0.8, False, True), (0.81, False, False)],
)
def test_a_value_reaches_its_threshold_from_the_better_side(
    value: float, greater: bool, expected: bool
) -> None:
    assert passes(MetricThreshold(threshold=0.8, greater_is_better=greater), value) is expected


@pytest.mark.parametrize(
    ("value", "baseline", "greater", "expected"),
    [
        (0.75, 0.5, True, True),
        (0.74, 0.5, True, False),
        (0.25, 0.5, False, True),
        (0.26, 0.5, False, False),
        (-0.25, -0.5, True, True),
    ],
)
def test_an_absolute_change_is_from_the_baseline(
    value: float, baseline: float, greater: bool, expected: bool
) -> None:
    threshold = MetricThreshold(min_absolute_change=0.25, greater_is_better=greater)
    assert passes(threshold, value, baseline) is expected


@pytest.mark.parametrize(
    ("value", "baseline", "greater", "expected"),
    [
        (0.6, 0.5, True, True),
        (0.54, 0.5, True, False),
        (4.0, 5.0, False, True),
        (4.6, 5.0, False, False),
        (-4.0, -5.0, True, True),
        (0.1, 0.0, True, True),  # better than nothing has no share
        (0.0, 0.0, True, False),
    ],
)
def test_a_relative_change_is_a_share_of_the_baseline(
    value: float, baseline: float, greater: bool, expected: bool
) -> None:
    threshold = MetricThreshold(min_relative_change=0.1, greater_is_better=greater)
    assert passes(threshold, value, baseline) is expected


@pytest.mark.parametrize("greater", [True, False])
def test_nan_reaches_no_threshold(greater: bool) -> None:
    assert not passes(MetricThreshold(threshold=0.0, greater_is_better=greater), NAN)
    assert not passes(MetricThreshold(min_absolute_change=0.1, greater_is_better=greater), NAN, 1)
    assert not passes(MetricThreshold(min_relative_change=0.1, greater_is_better=greater), 1, NAN)
    assert not passes(MetricThreshold(min_relative_change=0.1, greater_is_better=greater), NAN, 0)


def test_everything_that_falls_short_is_in_one_message() -> None:
    thresholds = {
        "accuracy": MetricThreshold(
            threshold=0.9, min_absolute_change=0.1, min_relative_change=0.5, greater_is_better=True
        ),
        "loss": MetricThreshold(threshold=0.2, greater_is_better=False),
        "gone": MetricThreshold(threshold=1, greater_is_better=True),
        "fine": MetricThreshold(threshold=1, greater_is_better=True),
    }
    with pytest.raises(ModelValidationFailedException) as caught:
        validate_evaluation_results(
            thresholds, result(accuracy=0.8, loss=0.3, fine=1.0), result(accuracy=0.75)
        )
    text = str(caught.value)
    assert text.count("\n") == 5
    assert "accuracy = 0.8: it must be at least 0.9" in text
    assert "at least 0.85, the baseline's 0.75 bettered by 0.1" in text
    assert "6.67% better than the baseline's 0.75, where 50.00% is asked" in text
    assert "loss = 0.3: it must be at most 0.2" in text
    assert "gone: the evaluation has no such metric; it has accuracy, fine, loss" in text
    assert isinstance(caught.value, ChiplogError)


def test_a_metric_that_the_baseline_lacks_is_a_failure() -> None:
    threshold = MetricThreshold(min_absolute_change=0.1, greater_is_better=True)
    with pytest.raises(ModelValidationFailedException, match="the baseline has no such metric"):
        validate_evaluation_results({"m": threshold}, result(m=1.0), result(other=1.0))


def test_a_change_needs_a_baseline() -> None:
    threshold = MetricThreshold(min_absolute_change=0.1, greater_is_better=True)
    with pytest.raises(ModelValidationFailedException, match=r"m: .* as baseline_result"):
        validate_evaluation_results({"m": threshold}, result(m=1.0))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"greater_is_better": True}, "at least one of threshold"),
        ({"threshold": 1}, "greater_is_better"),
        ({"threshold": "1", "greater_is_better": True}, "'1'"),
        ({"min_absolute_change": 0, "greater_is_better": True}, "positive, not 0"),
        ({"min_relative_change": 1.5, "greater_is_better": True}, "at most 1, not 1.5"),
        ({"min_relative_change": 0, "greater_is_better": True}, "above 0"),
    ],
)
def test_a_threshold_that_says_nothing_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidValue, match=text):
        MetricThreshold(**options)


def test_what_is_no_threshold_is_refused_by_value() -> None:
    with pytest.raises(TypeError, match=r"'m'.*0\.5"):
        validate_evaluation_results({"m": 0.5}, result(m=1.0))  # type: ignore[dict-item]
