"""One JSON document for machines.

JSON has no NaN and no infinities; they are the strings ``"NaN"``, ``"Infinity"`` and
``"-Infinity"``, which ``float()`` reads back exactly. All other doubles are written with the digits
that give the very same double back.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec


def dumps(document: object, *, ascii_only: bool = False) -> str:
    """The document as indented JSON."""
    plain = jsonable(msgspec.to_builtins(document))
    return json.dumps(plain, indent=2, ensure_ascii=ascii_only, allow_nan=False)


def jsonable(value: Any) -> Any:
    """The value with its NaNs and infinities as strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value
