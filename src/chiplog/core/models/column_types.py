"""The types a column's values can have, and their JSON in MLflow's format."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DataType(Enum):
    """The scalar types of a column, by their JSON names."""

    boolean = "boolean"
    integer = "integer"
    long = "long"
    float = "float"
    double = "double"
    string = "string"
    binary = "binary"
    datetime = "datetime"

    def __repr__(self) -> str:
        return self.value

    __str__ = __repr__

    def to_numpy(self) -> np.dtype[Any]:
        """The numpy type of its values."""
        return _NUMPY[self]

    def to_pandas(self) -> Any:
        """The type of a pandas column of its values: text and bytes are objects."""
        return object if self in (DataType.string, DataType.binary) else _NUMPY[self]

    def to_python(self) -> type:
        """The Python type of its values."""
        return _PYTHON[self]


_NUMPY: Final[dict[DataType, np.dtype[Any]]] = {
    DataType.boolean: np.dtype("bool"),
    DataType.integer: np.dtype("int32"),
    DataType.long: np.dtype("int64"),
    DataType.float: np.dtype("float32"),
    DataType.double: np.dtype("float64"),
    DataType.string: np.dtype("str"),
    DataType.binary: np.dtype("bytes"),
    DataType.datetime: np.dtype("datetime64[ns]"),
}
_PYTHON: Final[dict[DataType, type]] = {
    DataType.boolean: bool,
    DataType.integer: int,
    DataType.long: int,
    DataType.float: float,
    DataType.double: float,
    DataType.string: str,
    DataType.binary: bytes,
    DataType.datetime: dt.date,
}


class _Composed:
    """A type made of others."""

    @classmethod
    def from_json_dict(cls, **body: Any) -> Any:
        """Read the type from the keys of its JSON object."""
        return type_from_dict(body)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class AnyType(_Composed):
    """A value of any type."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "any"}

    def __repr__(self) -> str:
        return "Any"


@dataclass(frozen=True, repr=False, init=False)
class Array(_Composed):
    """A list whose items are all of one type, given as such or by its name."""

    dtype: ColumnType

    def __init__(self, dtype: ColumnType | str) -> None:
        object.__setattr__(self, "dtype", as_type(dtype))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "array", "items": type_to_dict(self.dtype)}

    def __repr__(self) -> str:
        return f"Array({self.dtype!r})"


@dataclass(frozen=True, repr=False, init=False)
class Map(_Composed):
    """A mapping from text to values of one type, given as such or by its name."""

    value_type: ColumnType

    def __init__(self, value_type: ColumnType | str) -> None:
        object.__setattr__(self, "value_type", as_type(value_type))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "map", "values": type_to_dict(self.value_type)}

    def __repr__(self) -> str:
        return f"Map(str -> {self.value_type!r})"


@dataclass(frozen=True, repr=False, init=False)
class Property:
    """A named part of an object, of a type given as such or by its name."""

    name: str
    dtype: ColumnType
    required: bool = True

    def __init__(self, name: str, dtype: ColumnType | str, required: bool = True) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "dtype", as_type(dtype))
        object.__setattr__(self, "required", required)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, keyed by the name."""
        return {self.name: {**type_to_dict(self.dtype), "required": self.required}}

    @classmethod
    def from_json_dict(cls, **body: Any) -> Property:
        """Read the part from its JSON object, the one value by its name."""
        ((name, part),) = body.items()
        return cls(name, type_from_dict(part), part.get("required", True))

    def __repr__(self) -> str:
        return f"{self.name}: {self.dtype!r} ({'required' if self.required else 'optional'})"


@dataclass(frozen=True, repr=False, init=False)
class Object(_Composed):
    """A mapping with named parts, sorted by name."""

    properties: tuple[Property, ...]

    def __init__(self, properties: Sequence[Property]) -> None:
        parts = tuple(sorted(properties, key=lambda part: part.name))
        names = [part.name for part in parts]
        if not parts:
            raise InvalidValue("An Object needs at least one Property; it was given none.")
        if len(set(names)) < len(names):
            raise InvalidValue(f"An Object's properties have names of their own; given: {names}.")
        object.__setattr__(self, "properties", parts)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        parts: dict[str, Any] = {}
        for part in self.properties:
            parts.update(part.to_dict())
        return {"type": "object", "properties": parts}

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self.properties))}}}"


@dataclass(frozen=True)
class SparkVector(_Composed):
    """A vector of Spark ML."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "sparkml_vector"}


ColumnType = DataType | Array | Map | Object | AnyType | SparkVector


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return type(value).__name__ in {"NAType", "NaTType"}


def as_type(given: ColumnType | str) -> ColumnType:
    """A column's type, given as such or by the name of a scalar one; raises InvalidValue."""
    if isinstance(given, ColumnType):
        return given
    try:
        return DataType(given)
    except ValueError:
        known = ", ".join(kind.value for kind in DataType)
        raise InvalidValue(
            f"A column's type is one of {known}, or an Array, Object, Map or AnyType; it was "
            f"given {given!r}."
        ) from None


def type_to_dict(dtype: ColumnType) -> dict[str, Any]:
    """The JSON object of a column's type."""
    return {"type": dtype.value} if isinstance(dtype, DataType) else dtype.to_dict()


def type_from_dict(body: Mapping[str, Any]) -> ColumnType:
    """Read a column's type from its JSON object; raises InvalidValue for an unknown one."""
    kind = body.get("type")
    if kind == "array":
        return Array(type_from_dict(body["items"]))
    if kind == "map":
        return Map(type_from_dict(body["values"]))
    if kind == "any":
        return AnyType()
    if kind == "sparkml_vector":
        return SparkVector()
    if kind == "object":
        return Object([Property.from_json_dict(**{n: p}) for n, p in body["properties"].items()])
    try:
        return DataType(kind)
    except ValueError:
        known = ", ".join(t.value for t in DataType)
        raise InvalidValue(
            f"The signature has a column of type {kind!r}. Known types: {known}, array, map, "
            "object, any, sparkml_vector."
        ) from None
