"""Hyperparameters as names and values: nested ones become ``outer/inner``."""

from __future__ import annotations

import dataclasses
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final

SEPARATOR: Final = "/"
_DEEPEST: Final = 20


def flattened(params: Any) -> dict[str, Any]:
    """The entries of a mapping, namespace or dataclass, whatever they are nested in."""
    flat: dict[str, Any] = {}
    _walk(_mapping(params) or {}, "", flat, 0)
    return flat


def _walk(params: Mapping[Any, Any], prefix: str, flat: dict[str, Any], depth: int) -> None:
    for key, value in params.items():
        name = f"{prefix}{key}"
        inner = _mapping(value) if depth < _DEEPEST else None
        if inner:
            _walk(inner, name + SEPARATOR, flat, depth + 1)
        else:
            flat[name] = value


def _mapping(value: Any) -> Mapping[Any, Any] | None:
    found: Mapping[Any, Any]
    if isinstance(value, Mapping):
        found = value
        return found
    if isinstance(value, Namespace):
        return vars(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if type(value).__name__ == "Namespace" and hasattr(value, "__dict__"):  # jsonargparse's
        found = vars(value)
        return found
    return None
