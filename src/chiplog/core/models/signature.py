"""What a model takes and gives: its signature, and how one is read off the data."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import InvalidValue
from chiplog.core.models.schema import (
    AnyType,
    Array,
    ColSpec,
    ColumnType,
    DataType,
    Object,
    ParamSchema,
    ParamSpec,
    Property,
    Schema,
    TensorSpec,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_log = logging.getLogger("chiplog.models")


@dataclass
class ModelSignature:
    """What a model takes, gives, and accepts as parameters; at least one is there."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: ParamSchema | None = None

    def __post_init__(self) -> None:
        if self.inputs is None and self.outputs is None and self.params is None:
            raise InvalidValue("A signature needs inputs, outputs or params; all are None.")

    def to_dict(self) -> dict[str, str | None]:
        """The parts as JSON text, as an MLmodel file holds them."""
        parts = {"inputs": self.inputs, "outputs": self.outputs, "params": self.params}
        return {name: part.to_json() if part else None for name, part in parts.items()}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> ModelSignature:
        """Read the parts from their JSON text."""
        inputs, outputs, params = (body.get(part) for part in ("inputs", "outputs", "params"))
        return cls(
            Schema.from_json(inputs) if inputs else None,
            Schema.from_json(outputs) if outputs else None,
            ParamSchema.from_json(params) if params else None,
        )


def infer_signature(
    model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None
) -> ModelSignature:
    """Read a signature off example data; what cannot be told is one column of type ``any``."""
    return ModelSignature(
        None if model_input is None else _schema_or_any(model_input),
        None if model_output is None else _schema_or_any(model_output),
        infer_params(params) if params else None,
    )


def _schema_or_any(data: Any) -> Schema:
    try:
        return infer_schema(data)
    except (InvalidValue, TypeError, ValueError) as error:
        _log.warning("The signature says 'any' for %s data: %s", type(data).__name__, error)
        return Schema([ColSpec(AnyType())])


def infer_schema(data: Any) -> Schema:  # noqa: PLR0911 - a case for each kind
    """Read a schema off data; raises InvalidValue for what has no type in the format."""
    module = type(data).__module__.partition(".")[0]
    if module == "pandas" and hasattr(data, "columns"):
        return Schema([_frame_column(data[name], name) for name in _unique(data.columns)])
    if module == "pandas" and hasattr(data, "dtype"):
        return Schema([_frame_column(data, data.name)])
    if module == "polars":
        return infer_schema(data.to_pandas())
    if isinstance(data, np.ndarray) or hasattr(data, "tocsr"):
        return Schema([_tensor(data)])
    if isinstance(data, dict):
        return _schema_of_dict(data)
    if isinstance(data, list):
        return _schema_of_list(data)
    return Schema([ColSpec(_type_of(data)[0])])


def _unique(columns: Any) -> Iterable[Any]:
    if not columns.is_unique:
        raise InvalidValue("the columns' names are not unique")
    return [name.item() if isinstance(name, np.generic) else name for name in columns]


def _schema_of_dict(data: dict[Any, Any]) -> Schema:
    if data and all(isinstance(value, np.ndarray) for value in data.values()):
        return Schema([_tensor(value, str(name)) for name, value in data.items()])
    specs = []
    for name, value in data.items():
        dtype, missing = _type_of(value)
        specs.append(ColSpec(dtype, str(name), not missing))
    return Schema(specs)


def _schema_of_list(data: list[Any]) -> Schema:
    if data and all(isinstance(item, dict) for item in data):
        merged, _ = _common_type(data)
        assert isinstance(merged, Object)
        # Columns stand in the order in which they first appear.
        order = {name: i for i, name in enumerate(dict.fromkeys(k for row in data for k in row))}
        parts = sorted(merged.properties, key=lambda part: order[part.name])
        return Schema([ColSpec(part.dtype, part.name, part.required) for part in parts])
    if not data:
        return Schema([ColSpec(DataType.string)])
    return Schema([ColSpec(_common_type(data)[0])])


def _tensor(array: Any, name: str | None = None) -> TensorSpec:
    dtype = array.dtype
    kind = dtype.name
    if dtype.kind in "US":
        kind = "str" if dtype.kind == "U" else "bytes"
    return TensorSpec(kind, (-1, *(int(length) for length in array.shape[1:])), name)


def _frame_column(column: Any, name: Any) -> ColSpec:
    """The spec of a pandas column; nullable where a value is missing and the type can say so."""
    dtype = column.dtype
    if hasattr(dtype, "categories"):
        categories = _frame_column(dtype.categories.to_series(), None)
        return ColSpec(categories.type, name, not column.hasnans)
    inner = getattr(dtype, "numpy_dtype", dtype)
    if isinstance(inner, np.dtype) and inner.kind in "biufM":
        missing = inner.kind != "b" and bool(column.hasnans)
        if inner is not dtype:
            missing = bool(column.hasnans)
        return ColSpec(_numpy_type(inner), name, not missing)
    if getattr(dtype, "kind", "") == "M":
        return ColSpec(DataType.datetime, name, not column.hasnans)
    if isinstance(dtype, np.dtype):
        found, missing = _common_type(column.tolist())
        return ColSpec(found, name, not missing)
    return ColSpec(DataType.string, name, not column.hasnans)


def _numpy_type(dtype: np.dtype[Any]) -> DataType:  # noqa: PLR0911 - as above
    kind, size = dtype.kind, dtype.itemsize
    if kind == "b":
        return DataType.boolean
    if kind == "i":
        return DataType.long if size == 8 else DataType.integer
    if kind == "u" and size < 8:
        return DataType.long if size == 4 else DataType.integer
    if kind == "f" and size <= 8:
        return DataType.double if size == 8 else DataType.float
    if kind == "M":
        return DataType.datetime
    if kind == "U":
        return DataType.string
    if kind == "S":
        return DataType.binary
    raise InvalidValue(f"numpy's {dtype} has no type in the signature format")


_SCALARS: tuple[tuple[type | tuple[type, ...], DataType], ...] = (
    (bool, DataType.boolean),  # before int: True is an int
    (int, DataType.long),
    (float, DataType.double),
    (str, DataType.string),
    ((bytes, bytearray), DataType.binary),
    ((dt.date, dt.datetime), DataType.datetime),
)


def _type_of(value: Any) -> tuple[ColumnType, bool]:
    """The type of one value, and whether it is missing."""
    if value is None or value is _pandas_na():
        return AnyType(), True
    if isinstance(value, np.generic):
        return _numpy_type(value.dtype), False
    for kind, dtype in _SCALARS:
        if isinstance(value, kind):
            return dtype, False
    if isinstance(value, np.ndarray):
        if value.ndim == 1 and value.dtype.kind != "O":
            return Array(_numpy_type(value.dtype)), False
        value = list(value)
    if isinstance(value, (list, tuple)):
        return Array(_common_type(value)[0]), False
    if isinstance(value, dict):
        parts = []
        for name, part in value.items():
            found, missing = _type_of(part)
            parts.append(Property(str(name), found, not missing))
        return Object(tuple(sorted(parts, key=lambda part: part.name))), False
    raise InvalidValue(f"a value of type {type(value).__name__} has no type in the format")


def _pandas_na() -> Any:
    pandas = sys.modules.get("pandas")
    return getattr(pandas, "NA", None)


def _common_type(values: Iterable[Any]) -> tuple[ColumnType, bool]:
    """The one type that all values have, and whether one is missing; raises if they differ."""
    found: ColumnType | None = None
    missing = False
    for value in values:
        dtype, absent = _type_of(value)
        missing = missing or absent
        if not absent:
            found = dtype if found is None or found == dtype else _merge(found, dtype)
    return (AnyType() if found is None else found), missing


def _merge(one: ColumnType, other: ColumnType) -> ColumnType:
    if isinstance(one, AnyType):
        return other
    if isinstance(other, AnyType):
        return one
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(_merge(one.dtype, other.dtype) if one.dtype != other.dtype else one.dtype)
    if isinstance(one, Object) and isinstance(other, Object):
        ours, theirs = ({p.name: p for p in side.properties} for side in (one, other))
        parts = []
        for name in sorted({*ours, *theirs}):
            mine, yours = ours.get(name), theirs.get(name)
            if mine is None or yours is None:
                part = mine or yours
                assert part is not None
                parts.append(Property(name, part.dtype, required=False))
            else:
                dtype = mine.dtype if mine.dtype == yours.dtype else _merge(mine.dtype, yours.dtype)
                parts.append(Property(name, dtype, mine.required and yours.required))
        return Object(tuple(parts))
    raise InvalidValue(f"values of several types, {one!r} and {other!r}")


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Read the schema of a prediction's parameters off their defaults."""
    return ParamSchema([_param(name, value) for name, value in params.items()])


def _param(name: str, value: Any) -> ParamSpec:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return ParamSpec(name, _numpy_type(value.dtype), value.tolist(), (-1,))
    shape = None
    with contextlib.suppress(InvalidValue):
        dtype, missing = _type_of(value)
        if isinstance(dtype, Array):
            dtype, shape = dtype.dtype, (-1,)
        if not missing and dtype is not DataType.binary and not isinstance(dtype, Array):
            if isinstance(value, np.generic):
                value = value.item()
            if dtype is DataType.datetime:
                value = value.isoformat()
            return ParamSpec(name, dtype, list(value) if shape else value, shape)
    raise InvalidValue(
        f"The parameter {name!r} has the default {value!r} of type {type(value).__name__}; "
        "use a number, text, a bool, a datetime, a flat list of one of these, or a dict."
    )
