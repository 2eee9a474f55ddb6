"""The columns, tensors and parameters of a signature, and their JSON in MLflow's format."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from chiplog.core.errors import InvalidValue
from chiplog.core.models.column_types import (
    AnyType,
    Array,
    ColumnType,
    DataType,
    Map,
    Object,
    Property,
    SparkVector,
    as_type,
    type_from_dict,
    type_to_dict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "AnyType",
    "Array",
    "ColSpec",
    "ColumnType",
    "DataType",
    "Map",
    "Object",
    "ParamSchema",
    "ParamSpec",
    "Property",
    "Schema",
    "SparkVector",
    "TensorSpec",
    "type_from_dict",
    "type_to_dict",
]


@dataclass(frozen=True, repr=False, init=False)
class ColSpec:
    """A column: its type, its name (None where columns go by position), if it must be there.

    A scalar type may be given by its name.
    """

    type: ColumnType
    name: str | int | None = None
    required: bool = True

    def __init__(
        self,
        type: ColumnType | str,  # noqa: A002 - MLflow's name for it
        name: str | int | None = None,
        required: bool = True,
    ) -> None:
        object.__setattr__(self, "type", as_type(type))
        # JSON has no tuples, which are the names of pandas' columns of several levels.
        object.__setattr__(self, "name", tuple(name) if isinstance(name, list) else name)
        object.__setattr__(self, "required", required)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        body = type_to_dict(self.type)
        if self.name is not None:
            body["name"] = self.name
        body["required"] = self.required
        return body

    @classmethod
    def from_json_dict(cls, **body: Any) -> ColSpec:
        """Read the column from the keys of its JSON object."""
        required = body.get("required", not body.get("optional", False))  # as writers of old
        return cls(type_from_dict(body), body.get("name"), required)

    def __repr__(self) -> str:
        name = "" if self.name is None else f"{self.name!r}: "
        return f"{name}{self.type!r} ({'required' if self.required else 'optional'})"


@dataclass(frozen=True, repr=False, init=False)
class TensorSpec:
    """A tensor: its numpy type, its shape with -1 for any length, its name.

    Attributes:
        dtype: the numpy type's name; ``type`` is the type itself.
    """

    dtype: str
    shape: tuple[int, ...]
    name: str | None = None

    required: ClassVar[bool] = True

    def __init__(
        self,
        type: np.dtype[Any] | str,  # noqa: A002 - MLflow's name for it
        shape: Sequence[int],
        name: str | None = None,
    ) -> None:
        dtype = type_name(type) if isinstance(type, np.dtype) else str(type)
        object.__setattr__(self, "dtype", dtype)
        object.__setattr__(self, "shape", tuple(int(length) for length in shape))
        object.__setattr__(self, "name", name)

    @property
    def type(self) -> np.dtype[Any]:
        """The numpy type."""
        return np.dtype(self.dtype)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        name = {} if self.name is None else {"name": self.name}
        spec = {"dtype": self.dtype, "shape": list(self.shape)}
        return {**name, "type": "tensor", "tensor-spec": spec}

    @classmethod
    def from_json_dict(cls, **body: Any) -> TensorSpec:
        """Read the tensor from the keys of its JSON object."""
        spec = body["tensor-spec"]
        return cls(spec["dtype"], spec["shape"], body.get("name"))

    def __repr__(self) -> str:
        name = "" if self.name is None else f"{self.name!r}: "
        return f"{name}Tensor({self.dtype!r}, {self.shape})"


def type_name(dtype: np.dtype[Any]) -> str:
    """A numpy type's name in the format, which has no lengths of text and bytes."""
    return {"U": "str", "S": "bytes"}.get(dtype.kind, dtype.name)


class Schema:
    """Columns or tensors, never both, all named or all unnamed."""

    def __init__(self, inputs: Sequence[ColSpec] | Sequence[TensorSpec]) -> None:
        if not isinstance(inputs, (list, tuple)):
            raise InvalidValue(f"A schema is made of a list of specs; it was given {inputs!r:.80}.")
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
        if not all(spec.required or spec.name is not None for spec in inputs):
            raise InvalidValue("A column that may be absent needs a name; it was given none.")
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
        return [n for n, s in zip(self.input_names(), self.inputs, strict=True) if s.required]

    def optional_input_names(self) -> list[str | int]:
        """The names of the parts that may be absent."""
        return [n for n, s in zip(self.input_names(), self.inputs, strict=True) if not s.required]

    def input_types(self) -> list[ColumnType | np.dtype[Any]]:
        """The columns' types, or the tensors' numpy types."""
        return [spec.type for spec in self.inputs]

    def numpy_types(self) -> list[np.dtype[Any]]:
        """The parts' numpy types; raises InvalidValue if a column's type has none."""
        if self.is_tensor_spec():
            return [spec.type for spec in self.inputs if isinstance(spec, TensorSpec)]
        return [kind.to_numpy() for kind in self._scalar_types("numpy")]

    def pandas_types(self) -> list[Any]:
        """The types of the columns in pandas; raises InvalidValue if one has none."""
        return [kind.to_pandas() for kind in self._scalar_types("pandas")]

    def _scalar_types(self, library: str) -> list[DataType]:
        kinds = self.input_types()
        others = [kind for kind in kinds if not isinstance(kind, DataType)]
        if others:
            raise InvalidValue(f"{others[0]!r} is no type that a column of {library} can have.")
        return [kind for kind in kinds if isinstance(kind, DataType)]

    def input_dict(self) -> dict[str | int, ColSpec | TensorSpec]:
        """The parts by name; raises InvalidValue if they have none."""
        if not self.has_input_names():
            raise InvalidValue("The parts of this schema have no names; read its 'inputs'.")
        return dict(zip(self.input_names(), self.inputs, strict=True))

    def input_types_dict(self) -> dict[str | int, ColumnType | np.dtype[Any]]:
        """The parts' types by name; raises InvalidValue if they have none."""
        return {name: spec.type for name, spec in self.input_dict().items()}

    def to_dict(self) -> list[dict[str, Any]]:
        """The JSON list."""
        return [spec.to_dict() for spec in self.inputs]

    def to_json(self) -> str:
        """The JSON text that an MLmodel file holds."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, json_str: str) -> Schema:
        """Read the JSON text of an MLmodel file."""
        specs: list[Any] = [
            TensorSpec.from_json_dict(**body)
            if body.get("type") == "tensor"
            else ColSpec.from_json_dict(**body)
            for body in json.loads(json_str)
        ]
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


@dataclass(frozen=True, repr=False, init=False)
class ParamSpec:
    """A parameter of a prediction: its type, its default, and shape ``(-1,)`` if it is a list.

    The default is converted to the type; raises InvalidValue if it cannot be.
    """

    name: str
    dtype: ColumnType
    default: Any
    shape: tuple[int, ...] | None = None

    def __init__(
        self,
        name: str,
        dtype: ColumnType | str,
        default: Any,
        shape: Sequence[int] | None = None,
    ) -> None:
        # Rules of values are enforcement's, which builds on schemas.
        from chiplog.core.models.enforcement.params import fit_param
        from chiplog.core.models.enforcement.violations import Misfit

        object.__setattr__(self, "name", name)
        object.__setattr__(self, "dtype", as_type(dtype))
        object.__setattr__(self, "shape", None if shape is None else tuple(shape))
        if self.dtype is DataType.binary or isinstance(self.dtype, (Array, Map)):
            raise InvalidValue(
                f"The parameter {name!r} cannot be of type {self.dtype!r}: parameters are numbers, "
                "text, booleans, datetimes, objects, or with shape (-1,) flat lists of these."
            )
        if self.shape not in (None, (-1,)):
            raise InvalidValue(
                f"The parameter {name!r} has shape {self.shape}; it is None, or (-1,) for a list."
            )
        try:
            object.__setattr__(self, "default", fit_param(default, self))
        except Misfit as misfit:
            kind = f"list of {self.dtype!r}" if self.shape else repr(self.dtype)
            raise InvalidValue(
                f"The parameter {name!r} has a default that is no {kind}: {misfit.got}."
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "name": self.name,
            "default": _plain(self.default),
            "shape": None if self.shape is None else list(self.shape),
            **type_to_dict(self.dtype),
        }

    @classmethod
    def from_json_dict(cls, **body: Any) -> ParamSpec:
        """Read the parameter from the keys of its JSON object."""
        return cls(body["name"], type_from_dict(body), body.get("default"), body.get("shape"))

    def __repr__(self) -> str:
        shape = "" if self.shape is None else f" (shape: {self.shape})"
        return f"{self.name!r}: {self.dtype!r} (default: {self.default}){shape}"


def _plain(default: Any) -> Any:
    """A default as JSON: times are text."""
    if isinstance(default, list):
        return [_plain(item) for item in default]
    if isinstance(default, dict):
        return {name: _plain(part) for name, part in default.items()}
    return default.isoformat() if isinstance(default, dt.date) else default


class ParamSchema:
    """The parameters of a prediction, each of another name."""

    def __init__(self, params: Sequence[ParamSpec]) -> None:
        names = [param.name for param in params]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidValue(f"Parameters of the same name: {', '.join(map(repr, twice))}.")
        self.params = list(params)

    def to_dict(self) -> list[dict[str, Any]]:
        """The JSON list."""
        return [param.to_dict() for param in self.params]

    def to_json(self) -> str:
        """The JSON text that an MLmodel file holds."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, json_str: str) -> ParamSchema:
        """Read the JSON text of an MLmodel file."""
        return cls([ParamSpec.from_json_dict(**body) for body in json.loads(json_str)])

    def __len__(self) -> int:
        return len(self.params)

    def __iter__(self) -> Iterator[ParamSpec]:
        return iter(self.params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamSchema) and self.params == other.params

    __hash__: ClassVar[None]  # type: ignore[assignment]  # it holds a list

    def __repr__(self) -> str:
        return repr(self.params)
