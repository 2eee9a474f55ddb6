"""Conversions that a user asks for: whatever needs no guess, or the row that does."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from chiplog.core.models.column_types import is_missing
from chiplog.core.models.enforcement.violations import Misfit, and_more
from chiplog.core.models.enforcement.widening import NULLABLE, TEXTS
from chiplog.core.models.schema import DataType

if TYPE_CHECKING:
    from collections.abc import Callable


def coerce_column(column: Any, kind: DataType) -> Any:
    """The column converted value by value; raises Misfit naming the first row that cannot be.

    Where values are missing it is of a nullable type, if numpy's has no word for it.
    """
    convert = _CONVERT[kind]
    made, failed = [], []
    for row, value in enumerate(column.tolist()):
        try:
            made.append(None if is_missing(value) else convert(value))
        except (ValueError, TypeError, OverflowError, decimal.InvalidOperation):
            failed.append((row, value))
    if failed:
        row, value = failed[0]
        raise Misfit(f"{column.dtype}, {value!r:.40} in row {row}{and_more(len(failed))}")
    wanted: Any = kind.to_numpy() if kind not in TEXTS else None  # what pandas has for them
    if None in made:
        wanted = NULLABLE.get(kind, wanted)
    return pd.Series(made, index=column.index, name=column.name, dtype=wanted)


def coerce_value(value: Any, kind: DataType) -> Any:
    """One value converted; raises ValueError or TypeError if that needs a guess."""
    return _CONVERT[kind](value)


def _boolean(value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in ("true", "1", 1):
        return True
    if word in ("false", "0", 0):
        return False
    raise ValueError


def _whole(bits: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, (dt.date, bytes)):
            raise TypeError
        if isinstance(value, str):
            value = _number(value.strip())
        number = int(value)
        if number != value or not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise ValueError
        return number

    return convert


def _number(text: str) -> int | decimal.Decimal:
    """The number that a text is, exactly."""
    try:
        return int(text)
    except ValueError:
        return decimal.Decimal(text)


def _double(value: Any) -> float:
    if isinstance(value, (dt.date, bytes)):
        raise TypeError
    number = float(value)
    if isinstance(value, (int, np.integer)) and int(number) != value:
        raise ValueError
    return number


_LARGEST_FLOAT: Final = float(np.finfo(np.float32).max)


def _single(value: Any) -> float:
    number = _double(value)
    if np.isfinite(number) and abs(number) > _LARGEST_FLOAT:
        raise OverflowError
    return number


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (dt.date, pd.Timestamp)):
        return value.isoformat()
    if isinstance(value, (list, dict, tuple, set)):
        raise TypeError
    return str(value)


def _binary(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    raise TypeError


def _time(value: Any) -> Any:
    """A time without a zone; those with one become UTC. Only ISO 8601 needs no guess."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value.strip())
    if not isinstance(value, (dt.date, np.datetime64)):
        raise TypeError
    time = pd.Timestamp(value)
    return time.tz_convert("UTC").tz_localize(None) if time.tz else time


_CONVERT: Final[dict[DataType, Callable[[Any], Any]]] = {
    DataType.boolean: _boolean,
    DataType.integer: _whole(32),
    DataType.long: _whole(64),
    DataType.float: _single,
    DataType.double: _double,
    DataType.string: _text,
    DataType.binary: _binary,
    DataType.datetime: _time,
}
