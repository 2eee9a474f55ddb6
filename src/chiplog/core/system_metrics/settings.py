"""Switches of system metrics.

They live in the environment, so that a process started by this one samples as this one does.

Environment (each also as ``MLFLOW_…``):
    CHIPLOG_ENABLE_SYSTEM_METRICS_LOGGING: sample every run; off by default.
    CHIPLOG_SYSTEM_METRICS_SAMPLING_INTERVAL: seconds between samples, 10 by default.
    CHIPLOG_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING: samples averaged into a point, 1 by default.
    CHIPLOG_SYSTEM_METRICS_NODE_ID: a name between ``system/`` and the metric's, none by default.
"""

from __future__ import annotations

import math
import os
from typing import Final

from chiplog.core.config import env, env_bool, env_float
from chiplog.core.errors import InvalidValue

DEFAULT_INTERVAL: Final = 10.0

_ENABLE: Final = "ENABLE_SYSTEM_METRICS_LOGGING"
_INTERVAL: Final = "SYSTEM_METRICS_SAMPLING_INTERVAL"
_SAMPLES: Final = "SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING"
_NODE_ID: Final = "SYSTEM_METRICS_NODE_ID"


def enable_system_metrics_logging() -> None:
    """Sample system metrics in every run that starts from now on."""
    _set(_ENABLE, "true")


def disable_system_metrics_logging() -> None:
    """Sample no system metrics, except where ``start_run`` asks for them."""
    _set(_ENABLE, "false")


def is_system_metrics_logging_enabled(log_system_metrics: bool | None = None) -> bool:
    """Whether a run is sampled: what ``start_run`` was told, else the switch."""
    if log_system_metrics is not None:
        return bool(log_system_metrics)
    return env_bool(_ENABLE, default=False)


def set_system_metrics_sampling_interval(interval: float | None) -> None:
    """Take a sample every ``interval`` seconds; None goes back to the default."""
    _set(_INTERVAL, None if interval is None else str(check_interval(interval)))


def set_system_metrics_samples_before_logging(samples: int | None) -> None:
    """Average ``samples`` samples into one point; None goes back to the default."""
    _set(_SAMPLES, None if samples is None else str(check_samples(samples)))


def set_system_metrics_node_id(node_id: str | None) -> None:
    """Name this machine in its metrics, as ``system/<node_id>/…``; None names none."""
    _set(_NODE_ID, None if node_id is None else str(node_id))


def sampling_interval(given: float | None) -> float:
    """Seconds between two samples: what was given, else the setting."""
    return check_interval(env_float(_INTERVAL, DEFAULT_INTERVAL) if given is None else given)


def samples_before_logging(given: int | None) -> int:
    """How many samples become one point: what was given, else the setting."""
    return check_samples(env_float(_SAMPLES, 1) if given is None else given)


def node_id() -> str | None:
    """The name of this machine in its metrics."""
    return env(_NODE_ID)


def check_interval(interval: float) -> float:
    """Hand back an interval that is finite and greater than 0."""
    if isinstance(interval, bool) or not math.isfinite(interval) or interval <= 0:
        raise InvalidValue(
            f"The sampling interval {interval!r} of system metrics must be seconds, more than 0."
        )
    return interval


def check_samples(samples: float) -> int:
    """Hand back a number of samples that is whole and at least 1."""
    if isinstance(samples, bool) or samples < 1 or samples != int(samples):
        raise InvalidValue(
            f"The number of samples {samples!r} before logging must be a whole number, at least 1."
        )
    return int(samples)


def _set(name: str, value: str | None) -> None:
    for variable in (f"CHIPLOG_{name}", f"MLFLOW_{name}"):
        if value is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = value
