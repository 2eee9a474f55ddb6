"""Metrics and files of the user's own."""

from __future__ import annotations

import inspect
import logging
import numbers
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import InvalidValue, MissingLibrary, WrongType
from chiplog.core.evaluation.artifacts import artifact_of
from chiplog.core.evaluation.metrics import MetricValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.evaluation.evaluator import EvaluationTask, Findings
    from chiplog.core.evaluation.metrics import EvaluationMetric
    from chiplog.integrations.evaluation.config import DefaultConfig

_log = logging.getLogger("chiplog.evaluation")


def add_custom(
    task: EvaluationTask, config: DefaultConfig, predicted: Any, findings: Findings
) -> None:
    """Compute the extra metrics in order, then the custom artifacts.

    One that fails costs itself alone, with a warning.
    """
    pandas = _pandas()
    frame = pandas.DataFrame({"prediction": list(predicted)})
    if task.dataset.labels is not None:
        frame["target"] = list(task.dataset.labels)
    builtin = dict(findings.metrics)
    given = _Given(task, config, frame, builtin)
    scores: dict[str, Any] = {}
    for metric in task.extra_metrics:
        try:
            value = _value(metric, given)
            _enter(metric, value, scores, findings)
        except Exception as error:
            _failed(f"extra metric {metric.name!r}", error, findings)
        else:
            given.metrics[metric.name] = value
    if scores:
        findings.tables["eval_results_table"] = _table(task, pandas, frame, scores)
    for function in task.custom_artifacts:
        name = getattr(function, "__name__", repr(function))
        try:
            _add_artifacts(function, frame.copy(), builtin, findings)
        except Exception as error:
            _failed(f"custom artifact {name!r}", error, findings)


class _Given:
    """What the functions may ask for, by the names of their parameters."""

    def __init__(
        self, task: EvaluationTask, config: DefaultConfig, frame: Any, builtin: dict[str, float]
    ) -> None:
        self.task, self.config, self.frame, self.builtin = task, config, frame, builtin
        self.metrics = {
            name: MetricValue(aggregate_results={name: value}) for name, value in builtin.items()
        }

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """An argument for each parameter; raises InvalidValue for one that is not there."""
        plain = {
            "eval_df": self.frame.copy,
            "builtin_metrics": lambda: dict(self.builtin),
            "metrics": lambda: dict(self.metrics),
            "predictions": lambda: self.frame["prediction"],
            "targets": lambda: self.frame.get("target"),
        }
        found: dict[str, Any] = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
                continue
            mapped = (self.config.col_mapping or {}).get(name, name)
            if mapped == name and name in plain:
                found[name] = plain[name]()
                continue
            is_there, value = self._other(mapped)
            if is_there:
                found[name] = value
            elif parameter.default is parameter.empty:
                raise InvalidValue(
                    f"it asks for {name!r}, which is none of {', '.join(plain)}, no column of the "
                    "data, and not in evaluator_config"
                )
        return found

    def _other(self, name: Any) -> tuple[bool, Any]:
        """A column of the data, or a setting."""
        if not isinstance(name, str):
            return True, name
        features = self.task.dataset.features
        if hasattr(features, "columns") and name in features.columns:
            return True, features[name]
        for own, column in (
            (self.task.dataset.targets_name, "target"),
            (self.task.dataset.predictions_name, "prediction"),
        ):
            if name == own and column in self.frame:
                return True, self.frame[column]
        return name in self.task.config, self.task.config.get(name)


def _value(metric: EvaluationMetric, given: _Given) -> MetricValue:
    """What a metric gives, whatever form its function gave it in."""
    arguments = given.arguments(metric.eval_fn)
    if list(arguments) == ["eval_df", "builtin_metrics"]:
        value = metric.eval_fn(*arguments.values())
    else:
        value = metric.eval_fn(**arguments)
    if isinstance(value, MetricValue):
        return value
    if isinstance(value, numbers.Real) or getattr(value, "shape", None) == ():
        return MetricValue(aggregate_results={metric.name: float(value)})
    if isinstance(value, (list, tuple, np.ndarray)) or hasattr(value, "to_list"):
        return MetricValue(scores=list(value))
    raise WrongType(f"it gave a {type(value).__name__}; it must give a number or a MetricValue")


def _enter(
    metric: EvaluationMetric, value: MetricValue, scores: dict[str, Any], findings: Findings
) -> None:
    for name, number in (value.aggregate_results or {}).items():
        key = metric.key if name == metric.name else f"{metric.key}/{name}"
        findings.metrics[key] = float(number)
    if value.scores is not None:
        scores[f"{metric.key}/score"] = list(value.scores)
    if value.justifications is not None:
        scores[f"{metric.key}/justification"] = list(value.justifications)


def _table(task: EvaluationTask, pandas: Any, frame: Any, scores: dict[str, Any]) -> Any:
    """Features, targets, predictions and scores, a row for each of the data's."""
    features = task.dataset.features
    if hasattr(features, "columns"):
        table = features.reset_index(drop=True).copy()
    elif isinstance(features, np.ndarray) and features.ndim == 2:
        table = pandas.DataFrame(features, columns=task.dataset.feature_names)
    else:  # images, sparse rows and the like have no place in a table
        table = pandas.DataFrame(index=range(len(frame)))
    if "target" in frame:
        table[task.dataset.targets_name or "target"] = frame["target"]
    table[task.dataset.predictions_name or "outputs"] = frame["prediction"]
    for name, values in scores.items():
        if len(values) != len(table):
            raise InvalidValue(f"{name!r} has {len(values)} values for {len(table)} rows.")
        table[name] = values
    return table


def _add_artifacts(
    function: Callable[..., Any], frame: Any, builtin: dict[str, float], findings: Findings
) -> None:
    with tempfile.TemporaryDirectory(prefix="chiplog-evaluation-") as folder:
        given = function(frame, dict(builtin), folder)
        if not isinstance(given, dict):
            raise WrongType(f"it gave a {type(given).__name__}; it must give a dict of files")
        for name, value in given.items():
            findings.artifacts[str(name)] = artifact_of(str(name), value)


def _failed(what: str, error: Exception, findings: Findings) -> None:
    reason = f"{type(error).__name__}: {error}"
    findings.left_out[what] = reason
    _log.warning("The evaluation is without the %s: %s", what, reason)


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingLibrary(
            "extra_metrics and custom_artifacts are given pandas's frames, and pandas is not "
            "installed.\n    pip install pandas"
        ) from error
    return pd
