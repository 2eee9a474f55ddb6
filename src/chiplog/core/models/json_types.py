"""The types of data that came as JSON, which has one kind of number, no dates and no bytes.

Each value gets the type that the schema says where nothing is lost by that: ``2.0`` may be a whole
number and ``"2"`` a number, ``2.5`` is no whole one. What does not fit is left as it is, for the
model's own check of its schema to tell.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import ChiplogError, MissingLibrary
from chiplog.core.models.schema import ColSpec, DataType, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.models.schema import Schema


class BadRequest(ChiplogError):
    """A body that is not in the form it says it is in."""

    default_code = "BAD_REQUEST"


def tensors_of(body: Any, schema: Schema | None, *, rows: bool) -> Any:
    """An array, or arrays by name; what was given by row is stacked."""
    kinds = {spec.name: spec.dtype for spec in schema or () if isinstance(spec, TensorSpec)}
    try:
        if rows and isinstance(body, list) and body and isinstance(body[0], dict):
            body = {name: [row[name] for row in body] for name in body[0]}
        if isinstance(body, dict):
            return {name: _array(value, kinds.get(name)) for name, value in body.items()}
        return _array(body, kinds.get(None) or (next(iter(kinds.values()), None)))
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        why = f"a row lacks {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise BadRequest(f"The data cannot be read as an array: {why}.") from error


def _array(value: Any, dtype: str | None) -> Any:
    found = np.asarray(value)
    if found.dtype == object:
        if not _is_numbers(found):
            return found if dtype is not None else value
        found = found.astype(float)
    if dtype is None:
        return found
    kind = np.dtype(dtype)
    if kind.kind == "f" and found.dtype.kind in "iuf":
        return found.astype(kind)
    if kind.kind in "iu" and found.dtype.kind in "iu":
        limits = np.iinfo(kind)
        fits = not found.size or (found.min() >= limits.min and found.max() <= limits.max)
        return found.astype(kind) if fits else found
    if kind.kind == "M" and found.dtype.kind == "U":
        return found.astype(kind)
    return found


def _is_numbers(found: Any) -> bool:
    """Whether an array of objects is one of numbers in which null stands for NaN."""
    return all(value is None or type(value) in {int, float} for value in found.flat)


def typed_frame(frame: Any, schema: Schema | None) -> Any:
    """The table with its columns' types, or the tensors of the schema that it stands for."""
    if schema is not None and schema.is_tensor_spec():
        return _tensors_of_frame(frame, schema)
    specs = [spec for spec in schema or () if isinstance(spec, ColSpec)]
    for place, spec in enumerate(specs):
        name = spec.name
        if name is None and place < len(frame.columns):
            name = frame.columns[place]
        if name in frame.columns and frame.columns.is_unique:
            frame[name] = _typed_column(frame[name], spec)
    return frame


def _tensors_of_frame(frame: Any, schema: Schema) -> Any:
    if schema.has_input_names():
        return tensors_of(frame.to_dict("list"), schema, rows=False)
    holds_rows = len(frame.columns) == 1 and frame.dtypes.iloc[0].kind == "O"
    rows = frame.iloc[:, 0] if holds_rows else frame.to_numpy()
    return tensors_of(rows.tolist(), schema, rows=False)


def _typed_column(column: Any, spec: ColSpec) -> Any:
    convert = _CONVERSIONS.get(spec.type) if isinstance(spec.type, DataType) else None
    if convert is None:
        return column
    try:
        return convert(column)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"The column {spec.name!r} holds bytes, and {error}.") from error


def _float_column(dtype: str) -> Callable[[Any], Any]:
    def convert(column: Any) -> Any:
        numbers = _numbers(column)
        return column if numbers is None else numbers.astype(dtype)

    return convert


def _whole_column(dtype: str) -> Callable[[Any], Any]:
    limits = np.iinfo(dtype)

    def convert(column: Any) -> Any:
        numbers = _numbers(column)
        if numbers is None or numbers.isna().any():
            return column
        if len(numbers) and not limits.min <= numbers.min() <= numbers.max() <= limits.max:
            return column
        whole = numbers.astype(dtype)
        return whole if (whole == numbers).all() else column

    return convert


def _numbers(column: Any) -> Any:
    """A column of numbers, or of texts that are; None for any other."""
    if column.dtype.kind in "iuf":
        return column
    if column.dtype.kind == "b":
        return None
    try:
        numbers = pandas().to_numeric(column, errors="coerce")
    except TypeError:
        return None
    return numbers if (numbers.isna() == column.isna()).all() else None


def _truth_column(column: Any) -> Any:
    is_truth = column.dtype.kind in "iu" and column.isin([0, 1]).all()
    return column.astype(bool) if is_truth else column


def _text_column(column: Any) -> Any:
    return column.map(str, na_action="ignore") if column.dtype.kind in "iufb" else column


def _time_column(column: Any) -> Any:
    if column.dtype.kind in "iufb":
        return column
    try:
        return pandas().to_datetime(column, format="ISO8601")
    except (ValueError, TypeError):
        return column


def _bytes_column(column: Any) -> Any:
    return column.map(_bytes)


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{value!r:.60} is no base64 text") from error


_CONVERSIONS: Final[dict[DataType, Callable[[Any], Any]]] = {
    DataType.float: _float_column("float32"),
    DataType.double: _float_column("float64"),
    DataType.integer: _whole_column("int32"),
    DataType.long: _whole_column("int64"),
    DataType.boolean: _truth_column,
    DataType.string: _text_column,
    DataType.datetime: _time_column,
    DataType.binary: _bytes_column,
}


def pandas() -> Any:
    """The library pandas, or MissingLibrary."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingLibrary(
            "Data by columns is read with pandas, which is not installed.\n    pip install pandas"
        ) from error
    return pd
