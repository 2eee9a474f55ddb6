"""Tables in memory, and their JSON: ``{"columns": [...], "data": [[...], ...]}``.

Times are ISO text in milliseconds; NaN and infinities are null; floats keep every digit.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chiplog.core.errors import BadContent, WrongType

_PLAIN: Final = {int, float, str, bool, type(None)}
_INT64: Final = range(-(2**63), 2**64)


@dataclass
class Table:
    """Named columns of equal length."""

    names: list[Any]
    columns: list[list[Any]]

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def rows(self) -> list[list[Any]]:
        """The table row by row."""
        return [list(row) for row in zip(*self.columns, strict=True)]

    def after(self, other: Table | None) -> Table:
        """The rows of ``other`` and then these; a column that one of them lacks gets Nones."""
        if other is None:
            return self
        names = [*other.names, *(name for name in self.names if name not in other.names)]
        return Table(names, [[*other.column(name), *self.column(name)] for name in names])

    def column(self, name: Any) -> list[Any]:
        """The values of a column; Nones if there is none of that name."""
        if name in self.names:
            return self.columns[self.names.index(name)]
        return [None] * len(self)


def columns_of(data: Any) -> Table:
    """A dict of columns, or a DataFrame, as a table.

    A value that is no column stands for as many rows as the others have, or for one. Columns of
    unequal length make one row of lists. Raises WrongType (a TypeError) for other data.
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        values = [data.iloc[:, position].tolist() for position in range(data.shape[1])]
        return Table([_plain_name(name) for name in data.columns], values)
    if hasattr(data, "get_columns") and hasattr(data, "null_count"):
        return Table(list(data.columns), [column.to_list() for column in data.get_columns()])
    if not isinstance(data, Mapping):
        raise WrongType(f"A table is made of a dict or a DataFrame, not a {type(data).__name__}.")
    columns = {name: _as_column(value) for name, value in data.items()}
    lengths = {len(column) for column in columns.values() if column is not None}
    names = [_plain_name(name) for name in columns]
    if len(lengths) > 1:
        whole = [data[name] if column is None else column for name, column in columns.items()]
        return Table(names, [[value] for value in whole])
    rows = lengths.pop() if lengths else 1
    filled = [[data[name]] * rows if column is None else column for name, column in columns.items()]
    return Table(names, filled)


def _as_column(value: Any) -> list[Any] | None:
    """The values of a column; None for a value that is none."""
    if isinstance(value, (list, tuple, range, Iterator)):
        return list(value)
    if isinstance(value, Mapping):
        return list(value.values())
    for method in ("tolist", "to_list"):  # numpy and pandas, polars
        read = getattr(value, method, None)
        if callable(read) and getattr(value, "shape", (0,)) != ():
            return list(read())
    return None


def _plain_name(name: Any) -> Any:
    if isinstance(name, (str, int)) and not isinstance(name, bool):
        return name
    return str(name)


def write_json(table: Table, artifact_file: str) -> bytes:
    """The table as JSON."""
    columns = [_plain_column(values) for values in table.columns]
    rows = list(zip(*columns, strict=True))
    try:
        return msgspec.json.encode({"columns": table.names, "data": rows})
    except (UnicodeEncodeError, msgspec.MsgspecError, RecursionError) as error:
        raise BadContent(f"The table {artifact_file!r} cannot be written: {error}.") from error


def read_json(data: bytes, artifact_file: str) -> Table:
    """The table that a JSON file holds; raises BadContent if it holds none."""
    try:
        body = msgspec.json.decode(data, type=_Split)
    except msgspec.MsgspecError as error:
        raise BadContent(f"{artifact_file!r} holds no table in 'split' form: {error}.") from error
    width = len(body.columns)
    if any(len(row) != width for row in body.data):
        raise BadContent(
            f"{artifact_file!r} holds a row of another length than its {width} columns."
        )
    columns = [list(column) for column in zip(*body.data, strict=True)]
    return Table(body.columns, columns or [[] for _ in body.columns])


class _Split(msgspec.Struct):
    columns: list[Any]
    data: list[list[Any]]


def _plain_column(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values}
    if kinds <= _PLAIN and (int not in kinds or all(_fits(value) for value in values)):
        return values
    return [_plain(value) for value in values]


def _fits(value: Any) -> bool:
    return type(value) is not int or value in _INT64


def _plain(value: Any) -> Any:
    """A cell as JSON can hold it."""
    kind = type(value)
    if kind is int:
        return value if value in _INT64 else msgspec.Raw(str(value).encode())
    if kind in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # numpy's scalars and arrays
        return _plain_numpy(value)
    return _plain_object(value)


def _plain_numpy(value: Any) -> Any:
    kind = value.dtype.kind
    if kind in "mM":
        return None if str(value) == "NaT" else _plain(value.astype(f"{kind}8[us]").tolist())
    if getattr(value, "ndim", 0) == 0 and hasattr(value, "item") and kind != "O":
        value = value.item()
        return value if type(value) in _PLAIN else _plain(value)
    return _plain(value.tolist())


def _plain_object(value: Any) -> Any:
    if type(value).__name__ in {"NaTType", "NAType"}:  # pandas' missing values
        return None
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    return str(value)


def _moment(value: dt.datetime) -> str:
    aware = value.tzinfo is not None
    moment = value.astimezone(dt.UTC) if aware else value
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z" * aware


def _text(value: Any) -> str:
    raw = bytes(value)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode()


_CONVERSIONS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (dt.datetime, _moment),  # before date: a datetime is one
    (dt.date, lambda value: f"{value.isoformat()}T00:00:00.000"),
    (dt.timedelta, lambda value: value),  # as ISO 8601 by the encoder
    (decimal.Decimal, float),
    (complex, lambda value: {"real": value.real, "imag": value.imag}),
    ((bytes, bytearray, memoryview), _text),
    (int, int),  # these last three: their subclasses
    (float, float),
    (str, str),
)
