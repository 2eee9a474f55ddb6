"""Settings from the environment: ``CHIPLOG_X`` first, then ``MLFLOW_X``."""

from __future__ import annotations

import os
from typing import Final

from chiplog.core.errors import InvalidValue

_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off", ""}


def env(name: str, default: str | None = None) -> str | None:
    """The value of ``CHIPLOG_<name>``, else of ``MLFLOW_<name>``, else ``default``."""
    return env_with_source(name)[0] or default


def env_with_source(name: str) -> tuple[str | None, str | None]:
    """The value and the variable it came from, or two Nones."""
    for variable in (f"CHIPLOG_{name}", f"MLFLOW_{name}"):
        value = os.environ.get(variable)
        if value:
            return value, variable
    return None, None


def env_bool(name: str, *, default: bool) -> bool:
    """A switch; raises InvalidValue if it is neither true nor false."""
    value, variable = env_with_source(name)
    if value is None:
        return default
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise InvalidValue(f"{variable}={value!r} is neither true nor false; use 1 or 0.")


def env_float(name: str, default: float) -> float:
    """A number; raises InvalidValue if it is none."""
    value, variable = env_with_source(name)
    if value is None:
        return default
    try:
        return float(value)
    except ValueError:
        raise InvalidValue(f"{variable}={value!r} is not a number.") from None
