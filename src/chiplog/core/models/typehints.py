"""Signatures from type hints, and data as the hints have it.

A hint that says what rows are is a list of them: ``list[str]``, ``list[dict[str, float]]``, a list
of a pydantic model. The signature is one unnamed column of that type.
"""

from __future__ import annotations

import datetime as dt
import inspect
import types
import typing
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin

from chiplog.core.errors import InvalidValue
from chiplog.core.models.column_types import is_missing
from chiplog.core.models.enforcement.violations import Misfit, SchemaViolation, Violation
from chiplog.core.models.schema import (
    AnyType,
    Array,
    ColSpec,
    ColumnType,
    DataType,
    Map,
    Object,
    Property,
    Schema,
)
from chiplog.core.models.signature import ModelSignature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SCALARS: Final[dict[Any, DataType]] = {
    bool: DataType.boolean,
    int: DataType.long,
    float: DataType.double,
    str: DataType.string,
    bytes: DataType.binary,
    dt.datetime: DataType.datetime,
}


class TypeFromExample:
    """A type hint for ``model_input``: data comes as the model's input example does.

    That is a list or a DataFrame; the signature is read off the example.
    """


class NoSchema(Exception):
    """A type hint that says nothing a signature has a word for."""


def input_hint(function: Callable[..., Any]) -> Any:
    """The hint of the data that a ``predict`` function takes, or None.

    The data is the parameter ``model_input``, or else the first that is not known as another.
    """
    try:
        names = list(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        return None
    data = [name for name in names if name not in {"self", "context", "params"}]
    if not data:
        return None
    name = "model_input" if "model_input" in data else data[0]
    return _hints(function).get(name)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception:  # a name that is not there when it is asked for
        return {}


def signature_from_hints(function: Callable[..., Any]) -> ModelSignature | None:
    """The signature that a ``predict`` function's hints give, or None if they say nothing of rows.

    Raises InvalidValue for a list of what no signature can describe, such as ``list[dict]``.
    """
    hint = input_hint(function)
    if get_origin(hint) is not list and hint is not list:
        return None
    try:
        inputs = Schema([ColSpec(_row_type(hint))])
    except NoSchema:
        return None
    return ModelSignature(inputs, _outputs(_hints(function).get("return")))


def _row_type(hint: Any) -> ColumnType:
    if hint is list:
        raise InvalidValue(
            "The type hint 'list' does not say what rows are: write list[str], for one."
        )
    (row,) = get_args(hint)
    if _without_none(row)[1]:
        raise InvalidValue(
            f"The type hint {hint!r} lets rows be None. Leave the Optional out; for values that "
            "may be missing use a pydantic model with optional fields."
        )
    return type_of_hint(row)


def _outputs(hint: Any) -> Schema:
    """The schema of what is returned; anything, if the hint does not say."""
    if get_origin(hint) is list:
        (hint,) = get_args(hint)
    try:
        found = AnyType() if _without_none(hint)[1] else type_of_hint(hint)
    except (NoSchema, InvalidValue):
        found = AnyType()
    return Schema([ColSpec(found)])


def type_of_hint(hint: Any) -> ColumnType:
    """The type of a value with that hint; raises NoSchema or InvalidValue if it has none."""
    hint, optional = _without_none(hint)
    if hint is Any or (optional and hint is None):
        return AnyType()
    if get_origin(hint) in (Union, types.UnionType):
        return AnyType()
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint in (list, dict):
        raise InvalidValue(
            f"The type hint '{hint.__name__}' does not say what is in it: write "
            f"{'list[str]' if hint is list else 'dict[str, str]'}, for one."
        )
    if get_origin(hint) is list:
        return Array(type_of_hint(get_args(hint)[0]))
    if get_origin(hint) is dict:
        key, value = get_args(hint)
        if key is not str:
            raise InvalidValue(
                f"The keys of a dict are text: {hint!r} is no hint of a signature's."
            )
        return Map(type_of_hint(value))
    if is_pydantic(hint):
        return _object(hint)
    raise NoSchema


def _without_none(hint: Any) -> tuple[Any, bool]:
    """A hint without its None, and whether it had one."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    others = tuple(part for part in get_args(hint) if part is not type(None))
    optional = len(others) < len(get_args(hint))
    return (others[0] if len(others) == 1 else Union[others]), optional  # noqa: UP007 - dynamic


def is_pydantic(hint: Any) -> bool:
    """Whether a hint is a pydantic model."""
    return isinstance(hint, type) and hasattr(hint, "model_fields") and hasattr(hint, "model_dump")


def _object(model: Any) -> Object:
    parts = []
    for name, field in model.model_fields.items():
        _, optional = _without_none(field.annotation)
        if optional and field.is_required():
            raise InvalidValue(
                f"The field {name!r} of {model.__name__} may be None, and has no default: "
                f"write '{name}: … | None = None'."
            )
        parts.append(Property(name, type_of_hint(field.annotation), required=not optional))
    return Object(parts)


def is_from_example(function: Callable[..., Any]) -> bool:
    """Whether a ``predict`` function takes data in the form of the model's input example."""
    return input_hint(function) is TypeFromExample


def as_example(frame: Any, schema: Schema, example_info: Mapping[str, Any] | None) -> Any:
    """A DataFrame that fits ``schema`` in the form of the input example: as it is, or a list.

    ``example_info`` is what the MLmodel file says of the example.
    """
    if example_info is None or example_info.get("type") != "json_object":
        return frame
    by_name = schema.has_input_names()
    return frame.to_dict(orient="records") if by_name else frame.iloc[:, 0].tolist()


def convert_by_hint(data: Any, hint: Any) -> Any:
    """Data as a hint of a list has it: pydantic objects are made from dicts, the rest is checked.

    An array, a Series and a DataFrame become lists: the one column's values, or a dict a row.

    Raises:
        SchemaViolation: rows that are not of the hint's type, each named.
    """
    (row_hint,) = get_args(hint)
    rows = _rows(data, hint, row_hint)
    made, violations = [], []
    for i, row in enumerate(rows):
        try:
            made.append(_convert(row, row_hint, ""))
        except Misfit as misfit:
            violations.append(Violation(f"row {i}", _shown(row_hint), misfit.got))
    if violations:
        count, verb = len(violations), "does" if len(violations) == 1 else "do"
        headline = (
            f"Failed to validate data against type hint {_shown(hint)}: {count} of {len(rows)} "
            f"rows {verb} not fit."
        )
        raise SchemaViolation(headline, violations)
    return made


def _rows(data: Any, hint: Any, row_hint: Any) -> list[Any]:
    if isinstance(data, list):
        return data
    if hasattr(data, "columns"):
        return _rows_of_frame(data, row_hint)
    if hasattr(data, "tolist") and hasattr(data, "dtype"):
        rows = data.tolist()
        return rows if isinstance(rows, list) else [rows]
    raise SchemaViolation(
        f"Failed to validate data against type hint {_shown(hint)}: it is no list.",
        [Violation(None, _shown(hint), f"{data!r:.40} ({type(data).__name__})")],
    )


def _rows_of_frame(frame: Any, row_hint: Any) -> list[Any]:
    columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
    has_names = is_pydantic(row_hint) or get_origin(row_hint) is dict
    if len(columns) == 1 and not (has_names and not _holds_rows(columns[0])):
        return list(columns[0])
    names = list(map(str, frame.columns))
    return [
        {name: None if is_missing(cell) else cell for name, cell in zip(names, row, strict=True)}
        for row in zip(*columns, strict=True)
    ]


def _holds_rows(cells: list[Any]) -> bool:
    return all(isinstance(cell, dict) or is_pydantic(type(cell)) for cell in cells)


def _shown(hint: Any) -> str:
    """A hint as people write it."""
    parts = get_args(hint)
    if not parts:
        return getattr(hint, "__name__", str(hint))
    if get_origin(hint) in (Union, types.UnionType):
        return " | ".join(_shown(part) for part in parts)
    origin = getattr(get_origin(hint), "__name__", str(get_origin(hint)))
    return f"{origin}[{', '.join(_shown(part) for part in parts)}]"


def _convert(value: Any, hint: Any, path: str) -> Any:
    hint, optional = _without_none(hint)
    if hint is Any or (optional and is_missing(value)):
        return value if hint is Any else None
    if get_origin(hint) in (Union, types.UnionType):
        return _first_that_fits(value, hint, path)
    if get_origin(hint) is list:
        _require(value, (list, tuple), path)
        (item,) = get_args(hint)
        return [_convert(part, item, f"{path}[{i}]") for i, part in enumerate(value)]
    if get_origin(hint) is dict:
        _require(value, (dict,), path)
        _, part_hint = get_args(hint)
        strange = [key for key in value if not isinstance(key, str)]
        if strange:
            at = f"{path}: " if path else ""
            raise Misfit(f"{at}the key {strange[0]!r} ({type(strange[0]).__name__}), not text")
        return {k: _convert(v, part_hint, f"{path}.{k}" if path else k) for k, v in value.items()}
    if is_pydantic(hint):
        return _model(value, hint, path)
    return _scalar(value, hint, path)


def _scalar(value: Any, hint: Any, path: str) -> Any:
    if hasattr(value, "dtype") and hasattr(value, "item"):
        value = value.item()
    if hint is float and type(value) is int:
        return float(value)
    if hint is dt.datetime and isinstance(value, str):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            raise _misfit(value, path) from None
    if not isinstance(value, hint):
        raise _misfit(value, path)
    return value


def _first_that_fits(value: Any, hint: Any, path: str) -> Any:
    for part in get_args(hint):
        try:
            return _convert(value, part, path)
        except Misfit:
            continue
    raise _misfit(value, path)


def _model(value: Any, model: Any, path: str) -> Any:
    from pydantic import ValidationError

    if isinstance(value, model):
        return value
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (path, *first["loc"]) if part != "")
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise Misfit(f"{where}: {first['msg']}{more}") from None


def _require(value: Any, kinds: tuple[type, ...], path: str) -> None:
    if not isinstance(value, kinds):
        raise _misfit(value, path)


def _misfit(value: Any, path: str) -> Misfit:
    at = f"{path}: " if path else ""
    return Misfit(f"{at}{value!r:.40} ({type(value).__name__})")
