"""Single values, lists, objects and maps, held to their types."""

from __future__ import annotations

import datetime as dt
import decimal
import operator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.models.column_types import is_missing
from chiplog.core.models.enforcement.violations import Misfit, and_more
from chiplog.core.models.schema import AnyType, Array, DataType, Map, Object, SparkVector

if TYPE_CHECKING:
    from chiplog.core.models.enforcement.policy import Mode
    from chiplog.core.models.schema import ColSpec, ColumnType

# What Python and numpy call the values of each type; what else becomes one is below.
EXACT: Final[dict[DataType, frozenset[type]]] = {
    DataType.boolean: frozenset({bool, np.bool_}),
    DataType.integer: frozenset({np.int32}),
    DataType.long: frozenset({int, np.int64}),
    DataType.float: frozenset({np.float32}),
    DataType.double: frozenset({float, np.float64}),
    DataType.string: frozenset({str, np.str_}),
    DataType.binary: frozenset({bytes, np.bytes_}),
    DataType.datetime: frozenset({dt.date, dt.datetime, np.datetime64}),
}
INTS: Final = (int, np.integer)
FLOATS: Final = (float, np.floating)


def fit_cells(column: Any, spec: ColSpec, mode: Mode) -> Any:
    """A column of lists, objects or maps, itself if every value fits; raises Misfit if not."""
    cells = column.tolist()
    made, failed = [], []
    for row, cell in enumerate(cells):
        if is_missing(cell):
            made.append(cell)
            if spec.required:
                failed.append((row, "missing"))
            continue
        try:
            made.append(fit_value(cell, spec.type, mode))
        except Misfit as misfit:
            failed.append((row, misfit.got))
    if failed:
        row, got = failed[0]
        raise Misfit(f"row {row}: {got}{and_more(len(failed))}")
    if all(map(operator.is_, made, cells)):
        return column
    new = np.empty(len(made), dtype=object)
    new[:] = made
    return type(column)(new, index=column.index)


def fit_value(value: Any, wanted: ColumnType, mode: Mode, path: str = "") -> Any:
    """A value as its type has it, itself if it fits; raises Misfit naming the part that does not.

    ``path`` is where the value stands in what is looked at, such as ``"x.y[2]"``.
    """
    if isinstance(wanted, DataType):
        return _fit_scalar(value, wanted, mode, path)
    if isinstance(wanted, (AnyType, SparkVector)):
        return value
    if isinstance(wanted, Array):
        return _fit_array(value, wanted, mode, path)
    return _fit_mapping(value, wanted, mode, path)


def _at(path: str, what: str) -> str:
    return f"{path}: {what}" if path else what


def _shown(value: Any) -> str:
    return f"{value!r:.40} ({type(value).__name__})"


def _fit_array(value: Any, wanted: Array, mode: Mode, path: str) -> Any:
    if isinstance(value, np.ndarray) and value.dtype != object:
        try:
            return _fit_ndarray(value, wanted, mode, path)
        except Misfit:
            if mode != "coerce":
                raise
            value = value.tolist()
    if isinstance(value, tuple) and mode == "coerce":
        value = list(value)
    if not isinstance(value, (list, np.ndarray)):
        raise Misfit(_at(path, f"{_shown(value)}, not a list"))
    item = wanted.dtype
    if isinstance(item, DataType):
        kinds = set(map(type, value))
        if kinds <= EXACT[item]:
            return value
        only_ints = item is DataType.double and kinds <= {int} and not set(value) <= {0, 1}
        if only_ints and mode != "coerce":  # a list of longs, as a column of them
            raise Misfit(_at(path, "integers"))
    made = [_fit_item(part, item, mode, f"{path}[{i}]") for i, part in enumerate(value)]
    return value if all(map(operator.is_, made, value)) else made


def _fit_item(value: Any, wanted: ColumnType, mode: Mode, path: str) -> Any:
    """An item of a list, which may be missing unless it is an integer."""
    if value is None and wanted in (DataType.float, DataType.double):
        return float("nan")
    if value is None and wanted not in (DataType.integer, DataType.long):
        return None
    return fit_value(value, wanted, mode, path)


def _fit_ndarray(value: np.ndarray[Any, Any], wanted: Array, mode: Mode, path: str) -> Any:
    leaf: ColumnType = wanted
    for _ in range(value.ndim):
        if not isinstance(leaf, Array):
            raise Misfit(_at(path, f"an array of {value.ndim} dimensions"))
        leaf = leaf.dtype
    if isinstance(leaf, AnyType):
        return value
    if isinstance(leaf, DataType):
        given, wanted_type = value.dtype, leaf.to_numpy()
        if given.kind == wanted_type.kind and given.kind in "USM":
            return value
        both_numbers = {given.kind, wanted_type.kind} <= set("iuf") or given == wanted_type
        casting: Any = "no" if mode == "strict" else "safe"
        if both_numbers and np.can_cast(given, wanted_type, casting):
            return value.astype(wanted_type, copy=False)
    raise Misfit(_at(path, f"an array of {value.dtype}, {value.ndim} dimensions"))


def _fit_mapping(value: Any, wanted: ColumnType, mode: Mode, path: str) -> Any:
    if not isinstance(value, dict):
        raise Misfit(_at(path, f"{_shown(value)}, not a dict"))
    dot = f"{path}." if path else ""
    if isinstance(wanted, Map):
        strange = next((name for name in value if not isinstance(name, str)), None)
        if strange is not None:
            raise Misfit(_at(path, f"the key {_shown(strange)}, not text"))
        made = {k: fit_value(v, wanted.value_type, mode, f"{dot}{k}") for k, v in value.items()}
        return _unless_same(made, value)
    assert isinstance(wanted, Object)
    parts = {part.name: part for part in wanted.properties}
    absent = [name for name, part in parts.items() if part.required and name not in value]
    if absent:
        raise Misfit(_at(path, f"without the property {', '.join(map(repr, absent))}"))
    unknown = [repr(name) for name in value if name not in parts]
    if unknown:
        raise Misfit(_at(path, f"the unknown property {', '.join(unknown)}"))
    made = {
        name: None
        if part is None and not parts[name].required
        else fit_value(part, parts[name].dtype, mode, f"{dot}{name}")
        for name, part in value.items()
    }
    return _unless_same(made, value)


def _unless_same(made: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return given if all(map(operator.is_, made.values(), given.values())) else made


def _fit_scalar(value: Any, wanted: DataType, mode: Mode, path: str) -> Any:
    if type(value) in EXACT[wanted]:
        return value
    if mode == "coerce":
        from chiplog.core.models.enforcement.coercion import coerce_value

        try:
            return coerce_value(value, wanted)
        except (ValueError, TypeError, OverflowError, decimal.InvalidOperation):
            raise Misfit(_at(path, _shown(value))) from None
    if mode == "strict" or isinstance(value, bool) or not _widens(value, wanted):
        raise Misfit(_at(path, _shown(value)))
    if wanted in (DataType.float, DataType.double):
        return float(value)
    if wanted is DataType.binary:
        return value.encode() if isinstance(value, str) else bytes(value)
    return int(value) if wanted in (DataType.integer, DataType.long) else value


def _widens(value: Any, wanted: DataType) -> bool:
    """Whether a value is one of a narrower type. A Python number fits if its value does."""
    if wanted in _LIMITS and isinstance(value, INTS):
        return bool(-_LIMITS[wanted] <= value < _LIMITS[wanted])
    is_double = type(value) is np.float64 and wanted is DataType.float
    return isinstance(value, _NARROWER.get(wanted, ())) and not is_double


_LIMITS: Final = {DataType.integer: 2**31, DataType.long: 2**63}
_NARROWER: Final[dict[DataType, tuple[type, ...]]] = {
    DataType.float: (*INTS, float, np.float16),
    DataType.double: (*INTS, *FLOATS, decimal.Decimal),
    DataType.binary: (str, bytearray),
    DataType.datetime: (dt.date,),
}
