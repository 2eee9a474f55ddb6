"""MLflow's rules for a column of scalars: its type may widen, and nothing else is converted.

What MLflow has no rule for: columns of pandas' nullable types (and Arrow's) follow the rules of the
numpy types they stand for, and stay nullable where values are missing and numpy has no word for it.
Categories follow the type of their values and stay categories. Times with a zone become UTC.
"""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from chiplog.core.models.column_types import is_missing
from chiplog.core.models.enforcement.violations import Misfit
from chiplog.core.models.schema import DataType

NULLABLE: Final = {
    DataType.boolean: pd.BooleanDtype(),
    DataType.integer: pd.Int32Dtype(),
    DataType.long: pd.Int64Dtype(),
}
OBJECT: Final = np.dtype("object")
TEXTS: Final = (DataType.string, DataType.binary)
MISSING_HINT: Final = (
    "pandas makes floats of integers of which some are missing. Use its nullable type 'Int64', or "
    "infer the signature from data in which values are missing."
)
COERCE_HINT: Final = (
    "To have converted what needs no guess, load the model with policy='coerce', or with "
    "policy=Policy(columns={…}) for some columns alone."
)


def widen(column: Any, kind: DataType) -> Any:
    """The column as one of ``kind``, itself if it is one; raises Misfit if that is no widening."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        widen(dtype.categories.to_series(), kind)
        return column
    if kind in TEXTS:
        if dtype == OBJECT or getattr(dtype, "type", None) in (str, bytes):
            return column
        raise Misfit(describe(column), COERCE_HINT)
    if dtype == OBJECT:
        column = _inferred(column, kind)
        dtype = column.dtype
    if kind is DataType.datetime:
        return _without_zone(column)
    if dtype == OBJECT:
        return column
    plain = plain_type(dtype)
    if plain is None or not (widens(plain, kind.to_numpy()) or _is_zero_or_one(column, kind)):
        raise _refusal(column, kind)
    wanted: Any = kind.to_numpy()
    if not isinstance(dtype, np.dtype) and kind in NULLABLE and column.hasnans:
        wanted = NULLABLE[kind]
    return column if dtype == wanted else column.astype(wanted)


def require_equal(column: Any, kind: DataType) -> Any:
    """The column itself, if it is of ``kind``; raises Misfit if not."""
    plain, wanted = plain_type(column.dtype), kind.to_numpy()
    if kind in TEXTS or plain == OBJECT:
        names = {DataType.string: "string", DataType.binary: "bytes", DataType.boolean: "boolean"}
        inferred = pd.api.types.infer_dtype(column, skipna=True)
        if inferred not in {names.get(kind), "empty"}:
            raise Misfit(describe(column))
    elif plain is None or (plain != wanted and not plain.kind == wanted.kind == "M"):
        raise Misfit(describe(column))
    return column


def plain_type(dtype: Any) -> np.dtype[Any] | None:
    """The numpy type of a pandas type's values; None for text, categories and times with zones."""
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if isinstance(dtype, np.dtype):
        return dtype
    if getattr(dtype, "type", None) in (str, bytes) or getattr(dtype, "tz", None):
        return None
    inner = getattr(dtype, "numpy_dtype", None)
    return inner if isinstance(inner, np.dtype) else None


def widens(given: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    """Whether every value of the one numeric type is one of the other, and of the same sort."""
    if given.kind in "iu" and wanted.kind == "f":
        return given.itemsize <= 4 and wanted.itemsize == 8
    same_sort = given.kind == wanted.kind or (given.kind == "u" and wanted.kind == "i")
    return same_sort and np.can_cast(given, wanted, "safe")


def _is_zero_or_one(column: Any, kind: DataType) -> bool:
    """Whether a long column may be one of doubles that happen to be whole."""
    is_long = plain_type(column.dtype) == np.dtype("int64")
    if not is_long or kind not in (DataType.float, DataType.double):
        return False
    present = column if isinstance(column.dtype, np.dtype) else column.dropna()
    numbers = present.to_numpy(dtype="int64")
    return bool(((numbers == 0) | (numbers == 1)).all())


def _inferred(column: Any, kind: DataType) -> Any:
    """A column of Python's objects as the type that its values have."""
    rows = column.tolist()
    present = [row for row in rows if not is_missing(row)]
    if not rows or (not present and kind in (DataType.float, DataType.double)):
        return column.astype(kind.to_numpy())
    if kind is DataType.boolean and all(isinstance(row, (bool, np.bool_)) for row in present):
        return column if len(present) < len(rows) else column.astype(bool)
    if kind is DataType.datetime:
        return _times(column, present)
    if kind is DataType.double and _has_decimals(present):
        return column.astype(float)
    if kind is DataType.long and len(present) < len(rows) and is_whole(column):
        return column.astype(NULLABLE[kind])
    found = pd.Series(rows, index=column.index, dtype=None if present else float)
    if found.dtype == OBJECT:
        raise Misfit(describe(column), COERCE_HINT)
    return found


def is_whole(column: Any) -> bool:
    """Whether a column of objects has integers, and nothing else but missing values."""
    whole = pd.api.types.infer_dtype(column, skipna=True) == "integer"
    return whole and all(is_missing(row) or -(2**63) <= row < 2**63 for row in column)


def _has_decimals(present: list[Any]) -> bool:
    numbers = all(isinstance(row, (decimal.Decimal, float, int)) for row in present)
    return numbers and any(isinstance(row, decimal.Decimal) for row in present)


def _times(column: Any, present: list[Any]) -> Any:
    """Dates and times, among which may be text; text alone is a column of text."""
    texts = [row for row in present if isinstance(row, str)]
    times = [row for row in present if isinstance(row, (dt.date, np.datetime64))]
    if len(times) + len(texts) < len(present) or (texts and not times):
        raise Misfit(describe(column), COERCE_HINT)
    have_zones = all(getattr(row, "tzinfo", None) is not None for row in present)
    try:
        return pd.to_datetime(column, format="ISO8601", utc=bool(present) and have_zones)
    except (ValueError, TypeError) as error:
        raise Misfit(f"{describe(column)}: {error}") from None


def _without_zone(column: Any) -> Any:
    if getattr(column.dtype, "kind", "") != "M":
        raise Misfit(describe(column), COERCE_HINT)
    if column.dt.tz is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    wanted = DataType.datetime.to_numpy()
    try:
        return column if column.dtype == wanted else column.astype(wanted)
    except pd.errors.OutOfBoundsDatetime:
        return column  # years that nanoseconds do not reach keep their unit


def _refusal(column: Any, kind: DataType) -> Misfit:
    missing = np.flatnonzero(column.isna().to_numpy())
    is_float = getattr(column.dtype, "kind", "") == "f"
    if is_float and len(missing) and kind in (DataType.integer, DataType.long):
        count = "1 value" if len(missing) == 1 else f"{len(missing)} values"
        return Misfit(f"{column.dtype}, {count} missing, first in row {missing[0]}", MISSING_HINT)
    return Misfit(describe(column), COERCE_HINT)


def describe(column: Any) -> str:
    """The column's type, and what its objects are."""
    if column.dtype != OBJECT:
        return str(column.dtype)
    kinds = dict.fromkeys(type(row).__name__ for row in column if not is_missing(row))
    return f"object ({', '.join(list(kinds)[:4])}{', …' if len(kinds) > 4 else ''})"
