"""What a model takes and gives: its signature, and how one is read off the data."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import InvalidValue, WrongType
from chiplog.core.models.column_types import is_missing
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


@dataclass(repr=False)
class ModelSignature:
    """What a model takes, gives, and accepts as parameters; at least one is there."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: ParamSchema | None = None

    def __post_init__(self) -> None:
        if self.inputs is None and self.outputs is None and self.params is None:
            raise InvalidValue("A signature needs inputs, outputs or params; all are None.")
        wanted = {"inputs": Schema, "outputs": Schema, "params": ParamSchema}
        for name, part in wanted.items():
            given = getattr(self, name)
            if not isinstance(given, (part, type(None))):
                raise WrongType(
                    f"A signature's {name} are a {part.__name__}; they were given as a "
                    f"{type(given).__name__}. Use infer_signature(data) to read one off data."
                )

    def __repr__(self) -> str:
        return f"inputs:\n  {self.inputs}\noutputs:\n  {self.outputs}\nparams:\n  {self.params}\n"

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
    inputs = None if model_input is None else _schema_or_any(model_input)
    if any(isinstance(spec, ColSpec) and spec.type in _INTEGERS for spec in inputs or ()):
        _hint_at_missing_integers()
    return ModelSignature(
        inputs,
        None if model_output is None else _schema_or_any(model_output),
        infer_params(params) if params else None,
    )


_INTEGERS = (DataType.integer, DataType.long)


@functools.cache  # said once
def _hint_at_missing_integers() -> None:
    _log.info(
        "The signature has integer columns. Where integers are missing pandas makes them floats, "
        "which such a column does not take: if values may be missing, infer the signature from "
        "data in which some are, or use the pandas type 'Int64'."
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
    if module in {"polars", "pyarrow"}:
        from chiplog.core.models.enforcement.frames import from_arrow

        return infer_schema(from_arrow(data))
    if isinstance(data, np.ndarray) or hasattr(data, "tocsr"):
        return Schema([_tensor(data)])
    if isinstance(data, dict):
        return _schema_of_dict(data)
    if isinstance(data, list):
        return _schema_of_list(data)
    return Schema([ColSpec(AnyType() if is_missing(data) else _type_of(data))])


def _unique(columns: Any) -> Iterable[Any]:
    if not columns.is_unique:
        raise InvalidValue("the columns' names are not unique")
    return [name.item() if isinstance(name, np.generic) else name for name in columns]


def _schema_of_dict(data: dict[Any, Any]) -> Schema:
    if data and all(isinstance(value, np.ndarray) for value in data.values()):
        return Schema([_tensor(value, str(name)) for name, value in data.items()])
    specs = []
    for name, value in data.items():
        dtype = AnyType() if is_missing(value) else _type_of(value)
        parts = value if isinstance(value, list) else [value]
        missing = any(is_missing(part) for part in parts)
        specs.append(ColSpec(dtype, _text(name), not missing))
    return Schema(specs)


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidValue(f"the key {name!r} is no text")
    return name


def _schema_of_list(data: list[Any]) -> Schema:
    if data and all(isinstance(item, dict) for item in data):
        # Columns stand in the order in which they first appear.
        specs = []
        for name in dict.fromkeys(key for row in data for key in row):
            dtype, missing = _common_type([row.get(name) for row in data])
            specs.append(ColSpec(dtype, name, not missing))
        return Schema(specs)
    if not data:
        return Schema([ColSpec(DataType.string)])
    return Schema([ColSpec(_common_type(data)[0])])


def _tensor(array: Any, name: str | None = None) -> TensorSpec:
    if not array.shape:
        raise InvalidValue("an array without dimensions has no rows")
    return TensorSpec(array.dtype, (-1, *array.shape[1:]), name)


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
        found, missing = _type_of_objects(column.tolist())
        return ColSpec(found, name, not missing)
    if getattr(dtype, "type", None) in (str, bytes):
        text = DataType.string if dtype.type is str else DataType.binary
        return ColSpec(text, name, not column.hasnans)
    raise InvalidValue(f"pandas' {dtype} has no type in the signature format")


def _type_of_objects(values: list[Any]) -> tuple[ColumnType, bool]:
    """The one type of a column's objects; integers are doubles where pandas would make them so."""
    kinds = {type(value) for value in values if not is_missing(value)}
    missing = any(is_missing(value) for value in values)
    numbers = all(issubclass(kind, (int, float, np.floating)) for kind in kinds - {bool})
    if kinds and numbers and bool not in kinds and (missing or len(kinds) > 1):
        return DataType.double, missing
    return _common_type(values)[0], missing


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


def _type_of(value: Any) -> ColumnType:
    """The type of one value, which is not missing."""
    if isinstance(value, np.generic):
        return _numpy_type(value.dtype)
    for kind, dtype in _SCALARS:
        if isinstance(value, kind):
            return dtype
    if isinstance(value, np.ndarray):
        if value.ndim == 1 and value.dtype.kind != "O":
            return Array(_numpy_type(value.dtype))
        value = list(value)
    if isinstance(value, list):
        return Array(_common_type(value)[0]) if value else AnyType()
    if isinstance(value, dict):
        parts = []
        for name, part in value.items():
            found, is_none = _common_type([part])
            parts.append(Property(str(name), found, not is_none))
        return Object(parts)
    raise InvalidValue(f"a value of type {type(value).__name__} has no type in the format")


def _common_type(values: Iterable[Any]) -> tuple[ColumnType, bool]:
    """The one type that all values have, and whether one is None; raises if they differ.

    NaN is a double where there is nothing else, and otherwise says nothing.
    """
    found: ColumnType | None = None
    is_none = is_nan = False
    for value in values:
        if is_missing(value):
            is_nan = is_nan or isinstance(value, (float, np.floating))
            is_none = is_none or not isinstance(value, (float, np.floating))
            continue
        dtype = _type_of(value)
        found = dtype if found is None or found == dtype else _merge(found, dtype)
    nothing = DataType.double if is_nan else AnyType()
    return (nothing if found is None else found), is_none


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
        return Object(parts)
    raise InvalidValue(f"values of several types, {one!r} and {other!r}")


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Read the schema of a prediction's parameters off their defaults."""
    return ParamSchema([_param(name, value) for name, value in params.items()])


def _param(name: str, value: Any) -> ParamSpec:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return ParamSpec(name, _numpy_type(value.dtype), value.tolist(), (-1,))
    with contextlib.suppress(InvalidValue):
        if isinstance(value, list):
            found = _type_of_objects(value)[0] if value else DataType.string
            return ParamSpec(name, found, value, (-1,))
        return ParamSpec(name, _type_of(value), value)
    raise InvalidValue(
        f"The parameter {name!r} has the default {value!r} of type {type(value).__name__}; "
        "use a number, text, a bool, a datetime, a flat list of one of these, or a dict."
    )
