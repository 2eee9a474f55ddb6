"""Any data a column signature takes, as a DataFrame."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chiplog.core.models.enforcement.violations import Misfit, kind_of
from chiplog.core.models.enforcement.widening import NULLABLE, is_whole
from chiplog.core.models.schema import AnyType, Array, ColSpec, DataType, Map, Object

if TYPE_CHECKING:
    from chiplog.core.models.schema import ColumnType, Schema

_SCALARS = (bool, int, float, str, bytes, dt.date, np.generic)


def as_frame(data: Any, schema: Schema) -> Any:
    """The data as a DataFrame; raises Misfit for data that cannot be one of this signature."""
    if isinstance(data, (pd.DataFrame, pd.Series)):
        return data if isinstance(data, pd.DataFrame) else data.to_frame()
    if type(data).__module__.partition(".")[0] in {"polars", "pyarrow"}:
        return from_arrow(data)
    if isinstance(data, dict):
        return _from_dict(data, schema)
    if isinstance(data, list):
        return _from_list(data, schema)
    _refuse_without_names(data, schema)
    if isinstance(data, np.ndarray) and data.ndim <= 2:
        return pd.DataFrame(data)
    if isinstance(data, _SCALARS):
        return pd.DataFrame([data])
    raise Misfit(kind_of(data), "Give a DataFrame, or a dict or list that makes one.")


def _from_list(rows: list[Any], schema: Schema) -> Any:
    alone = _only_type(schema)
    if isinstance(alone, (Array, Object, Map)) or (alone is not None and not rows):
        return _one_column(rows)
    if not (rows and all(isinstance(row, dict) for row in rows)):
        _refuse_without_names(rows, schema)
    return _of_python(rows, schema)


def _of_python(data: Any, schema: Schema) -> Any:
    """A DataFrame of Python's own values, in which integers stay so where some are missing."""
    frame = pd.DataFrame(data)
    names = schema.input_names() if schema.has_input_names() else list(frame.columns)
    floats = [
        name
        for name, spec in zip(names, schema.inputs, strict=False)
        if spec.type in NULLABLE and name in frame.columns and frame[name].dtype == "float64"
    ]
    if floats:
        is_flat = isinstance(data, list) and not isinstance(data[0], (list, dict))
        as_given = _one_column(data) if is_flat else pd.DataFrame(data, dtype=object)
        whole = [name for name in floats if is_whole(as_given[name])]
        frame[whole] = as_given[whole].astype(NULLABLE[DataType.long])
    return frame


def _refuse_without_names(data: Any, schema: Schema) -> None:
    """Raise Misfit where names are wanted, unless they merely count the columns of a matrix."""
    counted = schema.input_names() == list(range(len(schema)))
    if schema.has_input_names() and not (counted and isinstance(data, (np.ndarray, list))):
        raise Misfit(
            kind_of(data),
            "The signature's columns have names: give a DataFrame, a dict or a list of dicts.",
        )


def _only_type(schema: Schema) -> ColumnType | None:
    """The type of the one unnamed column; None if there are several, or names."""
    spec = schema.inputs[0]
    alone = len(schema) == 1 and not schema.has_input_names()
    return spec.type if alone and isinstance(spec, ColSpec) else None


def _one_column(rows: list[Any]) -> Any:
    return pd.Series(rows, dtype=object).to_frame()


def _from_dict(data: dict[Any, Any], schema: Schema) -> Any:
    """A dict of columns, or of the values of one row, as the signature's types tell."""
    if isinstance(_only_type(schema), (Object, Map)):
        return _one_column([data])
    types = {
        name: spec.type
        for name, spec in zip(schema.input_names(), schema.inputs, strict=True)
        if isinstance(spec, ColSpec)
    }
    deeper = [
        _depth(value) > _depth_of_type(types.get(name, DataType.string))
        for name, value in data.items()
        if types.get(name) != AnyType()  # which says nothing
    ]
    if not deeper or not all(deeper):
        return _of_python([data], schema)
    lengths = {name: len(value) for name, value in data.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r}: {length}" for name, length in lengths.items())
        raise Misfit(f"a dict of columns of several lengths ({listed})")
    # A matrix is a column of rows.
    columns = {n: list(v) if getattr(v, "ndim", 1) > 1 else v for n, v in data.items()}
    is_python = all(isinstance(column, list) for column in columns.values())
    return _of_python(columns, schema) if is_python else pd.DataFrame(columns)


def _depth_of_type(dtype: ColumnType) -> int:
    return 1 + _depth_of_type(dtype.dtype) if isinstance(dtype, Array) else 0


def _depth(value: Any) -> int:
    """How many lists deep a value is, by its first items."""
    if isinstance(value, (np.ndarray, pd.Series)):
        return int(value.ndim)
    if not isinstance(value, (list, tuple)):
        return 0
    return 1 + max((_depth(item) for item in value[:1]), default=0)


def from_arrow(data: Any) -> Any:
    """A table or column of polars or Arrow; integers and booleans with missing values stay so."""
    import pyarrow as pa

    table = data.to_arrow() if hasattr(data, "to_arrow") else data
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    if not isinstance(table, pa.Table):  # a polars Series, or a column of Arrow
        table = pa.table({getattr(data, "name", None) or "0": table})
    nullable = {pa.bool_(): pd.BooleanDtype()}
    for bits in (8, 16, 32, 64):
        nullable[getattr(pa, f"int{bits}")()] = getattr(pd, f"Int{bits}Dtype")()
        nullable[getattr(pa, f"uint{bits}")()] = getattr(pd, f"UInt{bits}Dtype")()
    return table.to_pandas(types_mapper=nullable.get)
