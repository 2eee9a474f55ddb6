"""The types of a model's inputs, outputs and parameters, and their JSON in MLflow's format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


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


@dataclass(frozen=True)
class AnyType:
    """A value of any type."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "any"}


@dataclass(frozen=True)
class Array:
    """A list whose items are all of one type."""

    dtype: ColumnType

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "array", "items": type_to_dict(self.dtype)}


@dataclass(frozen=True)
class Map:
    """A mapping from text to values of one type."""

    value_type: ColumnType

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "map", "values": type_to_dict(self.value_type)}


@dataclass(frozen=True)
class Property:
    """A named part of an object."""

    name: str
    dtype: ColumnType
    required: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, keyed by the name."""
        return {self.name: {**type_to_dict(self.dtype), "required": self.required}}


@dataclass(frozen=True)
class Object:
    """A mapping with named parts, sorted by name."""

    properties: tuple[Property, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        parts: dict[str, Any] = {}
        for part in sorted(self.properties, key=lambda p: p.name):
            parts.update(part.to_dict())
        return {"type": "object", "properties": parts}


@dataclass(frozen=True)
class SparkVector:
    """A vector of Spark ML."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"type": "sparkml_vector"}


ColumnType = DataType | Array | Map | Object | AnyType | SparkVector


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
        return Object(
            tuple(
                Property(name, type_from_dict(part), part.get("required", True))
                for name, part in sorted(body["properties"].items())
            )
        )
    try:
        return DataType(kind)
    except ValueError:
        known = ", ".join(t.value for t in DataType)
        raise InvalidValue(
            f"The signature has a column of type {kind!r}. Known types: {known}, array, map, "
            "object, any, sparkml_vector."
        ) from None


@dataclass(frozen=True)
class ColSpec:
    """A column: its type, its name (None where columns go by position), if it must be there."""

    type: ColumnType
    name: str | int | None = None
    required: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        body = type_to_dict(self.type)
        if self.name is not None:
            body["name"] = self.name
        body["required"] = self.required
        return body


@dataclass(frozen=True)
class TensorSpec:
    """A tensor: its numpy dtype by name, its shape with -1 for any length, its name."""

    dtype: str
    shape: tuple[int, ...]
    name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        name = {} if self.name is None else {"name": self.name}
        spec = {"dtype": self.dtype, "shape": list(self.shape)}
        return {**name, "type": "tensor", "tensor-spec": spec}


class Schema:
    """Columns or tensors, never both, all named or all unnamed."""

    def __init__(self, inputs: Sequence[ColSpec] | Sequence[TensorSpec]) -> None:
        if not inputs:
            raise InvalidValue("A schema needs at least one column or tensor; it was given none.")
        tensors = [isinstance(spec, TensorSpec) for spec in inputs]
        if any(tensors) and not all(tensors):
            raise InvalidValue("A schema has either columns or tensors; it was given both.")
        named = [spec.name is not None for spec in inputs]
        if any(named) and not all(named):
            raise InvalidValue("A schema's parts are all named or all unnamed; it was given both.")
        if all(tensors) and len(inputs) > 1 and not all(named):
            raise InvalidValue(f"{len(inputs)} tensors need names to be told apart.")
        self.inputs: list[ColSpec | TensorSpec] = list(inputs)

    def is_tensor_spec(self) -> bool:
        """Whether the parts are tensors."""
        return isinstance(self.inputs[0], TensorSpec)

    def has_input_names(self) -> bool:
        """Whether the parts have names."""
        return self.inputs[0].name is not None

    def input_names(self) -> list[str | int]:
        """The names, or the positions where there are none."""
        return [i if s.name is None else s.name for i, s in enumerate(self.inputs)]

    def required_input_names(self) -> list[str | int]:
        """The names of the parts that may not be absent."""
        return [
            name
            for name, spec in zip(self.input_names(), self.inputs, strict=True)
            if not isinstance(spec, ColSpec) or spec.required
        ]

    def to_dict(self) -> list[dict[str, Any]]:
        """The JSON list."""
        return [spec.to_dict() for spec in self.inputs]

    def to_json(self) -> str:
        """The JSON text that an MLmodel file holds."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read the JSON text of an MLmodel file."""
        specs: list[Any] = []
        for body in json.loads(text):
            if body.get("type") == "tensor":
                spec = body["tensor-spec"]
                specs.append(TensorSpec(spec["dtype"], tuple(spec["shape"]), body.get("name")))
            else:
                name, required = body.get("name"), body.get("required", True)
                specs.append(ColSpec(type_from_dict(body), name, required))
        return cls(specs)

    def __len__(self) -> int:
        return len(self.inputs)

    def __iter__(self) -> Iterator[ColSpec | TensorSpec]:
        return iter(self.inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.inputs == other.inputs

    __hash__: ClassVar[None]  # type: ignore[assignment]  # it holds a list

    def __repr__(self) -> str:
        return repr(self.inputs)


@dataclass(frozen=True)
class ParamSpec:
    """A parameter of a prediction: its type, its default, and shape ``(-1,)`` if it is a list."""

    name: str
    dtype: ColumnType
    default: Any
    shape: tuple[int, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "name": self.name,
            "default": self.default,
            "shape": None if self.shape is None else list(self.shape),
            **type_to_dict(self.dtype),
        }


class ParamSchema:
    """The parameters of a prediction, each of another name."""

    def __init__(self, params: Sequence[ParamSpec]) -> None:
        names = [param.name for param in params]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidValue(f"Parameters of the same name: {', '.join(map(repr, twice))}.")
        self.params = list(params)

    def to_json(self) -> str:
        """The JSON text that an MLmodel file holds."""
        return json.dumps([param.to_dict() for param in self.params])

    @classmethod
    def from_json(cls, text: str) -> ParamSchema:
        """Read the JSON text of an MLmodel file."""
        return cls(
            [
                ParamSpec(
                    body["name"],
                    type_from_dict(body),
                    body.get("default"),
                    tuple(body["shape"]) if body.get("shape") else None,
                )
                for body in json.loads(text)
            ]
        )

    def __len__(self) -> int:
        return len(self.params)

    def __iter__(self) -> Iterator[ParamSpec]:
        return iter(self.params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamSchema) and self.params == other.params

    __hash__: ClassVar[None]  # type: ignore[assignment]  # it holds a list

    def __repr__(self) -> str:
        return repr(self.params)
