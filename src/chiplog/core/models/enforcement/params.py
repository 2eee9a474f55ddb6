"""A prediction's parameters, held to the signature."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import InvalidValue
from chiplog.core.models.enforcement.values import fit_value
from chiplog.core.models.enforcement.violations import Misfit, SchemaViolation, Violation
from chiplog.core.models.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.models.schema import ParamSchema, ParamSpec

_log = logging.getLogger("chiplog.models")


def enforce_params(params: Mapping[str, Any] | None, schema: ParamSchema | None) -> dict[str, Any]:
    """The parameters of a prediction, converted, with the signature's defaults for those not given.

    Unknown ones are left out with a warning, and all are where the signature has none (``schema``
    is None). An integer becomes a double where one is wanted; nothing else is converted.

    Raises:
        SchemaViolation: values of the wrong type or shape, each named with what is expected.
    """
    if params is not None and not hasattr(params, "items"):
        raise InvalidValue(f"params is a dict of parameters by name; it was given {params!r:.100}")
    given = {str(name): value for name, value in (params or {}).items()}
    if schema is None:
        if given:
            _log.warning(
                "The model's signature has no parameters; left out: %s", ", ".join(map(repr, given))
            )
        return {}
    specs = {spec.name: spec for spec in schema}
    unknown = [repr(name) for name in given if name not in specs]
    if unknown:
        _log.warning(
            "Parameters that the model's signature does not have are left out: %s. It has: %s.",
            ", ".join(unknown),
            ", ".join(map(repr, specs)),
        )
    fitted, violations = {}, []
    for name, spec in specs.items():
        try:
            fitted[name] = fit_param(given.get(name, spec.default), spec)
        except Misfit as misfit:
            violations.append(Violation(name, _wanted(spec), misfit.got))
    if violations:
        headline = f"Invalid parameters found: {len(violations)} of {len(given)} do not fit."
        raise SchemaViolation(headline, violations)
    return fitted


def fit_param(value: Any, spec: ParamSpec) -> Any:
    """A parameter's value as its spec has it; raises Misfit if it does not fit."""
    if spec.shape is None:
        return _fit_one(value, spec)
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, list):
        raise Misfit(f"{value!r:.40} ({type(value).__name__}), not a list")
    return [_fit_one(item, spec, f"[{i}]") for i, item in enumerate(value)]


def _fit_one(value: Any, spec: ParamSpec, path: str = "") -> Any:
    if value is None:
        return None
    if spec.dtype is DataType.datetime and isinstance(value, str):
        value = _time(value, path)
    fitted = fit_value(value, spec.dtype, "mlflow", path)
    return fitted.item() if isinstance(fitted, np.generic) else fitted


def _time(text: str, path: str) -> dt.date:
    try:
        if len(text) == len("2020-01-01"):
            return dt.date.fromisoformat(text)
        return dt.datetime.fromisoformat(text)
    except ValueError:
        at = f"{path}: " if path else ""
        raise Misfit(f"{at}{text!r:.40}, which is no ISO 8601 time") from None


def _wanted(spec: ParamSpec) -> str:
    return f"list of {spec.dtype!r}" if spec.shape else repr(spec.dtype)
