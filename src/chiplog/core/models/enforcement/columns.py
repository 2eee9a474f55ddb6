"""The columns of a DataFrame, held to those of a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chiplog.core.models.enforcement.coercion import coerce_column
from chiplog.core.models.enforcement.frames import as_frame
from chiplog.core.models.enforcement.values import fit_cells
from chiplog.core.models.enforcement.violations import Misfit
from chiplog.core.models.enforcement.widening import TEXTS, require_equal, widen
from chiplog.core.models.schema import AnyType, ColSpec, DataType, SparkVector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.models.enforcement.policy import Mode, Name, Policy
    from chiplog.core.models.enforcement.violations import Findings
    from chiplog.core.models.schema import ColumnType, Schema


def enforce_columns(data: Any, schema: Schema, policy: Policy, found: Findings) -> Any:
    """The data as a DataFrame with the signature's columns, in its order and of its types."""
    if schema.inputs == [ColSpec(AnyType())] and not _is_flat(data):
        return data  # which may be anything
    try:
        frame = as_frame(data, schema)
    except Misfit as misfit:
        found.refuse(_wanted(schema), misfit, policy.default)
        return data
    by_name = schema.has_input_names()
    labels = list(frame.columns)
    positions = _positions(labels if by_name else range(len(labels)))
    dtypes = list(frame.dtypes)
    columns: dict[int, Any] = {}  # in the signature's order; None where nothing is to be done
    for name, spec in zip(schema.input_names(), schema.inputs, strict=True):
        assert isinstance(spec, ColSpec)
        mode, there = policy.mode(name), positions.pop(name, [])
        try:
            _require_one(there, spec)
            for position in there:
                exact = _is_exact(dtypes[position], spec.type)
                column = None if exact else _column(frame, labels, position)
                fitted = None if column is None else fit_column(column, spec, mode)
                columns[position] = None if fitted is column else fitted
        except Misfit as misfit:
            found.add(name, spec.type, misfit, mode)
            columns |= dict.fromkeys(there[:1])  # as it is, where it passes with a warning
    found.extra = list(positions) if by_name else []
    found.close(len(schema), "columns")
    return _put_together(frame, labels, columns)


def _require_one(there: list[int], spec: ColSpec) -> None:
    if not there and spec.required:
        raise Misfit("missing")
    if len(there) > 1:
        raise Misfit(f"{len(there)} columns of this name")


def _put_together(frame: Any, labels: list[Any], columns: dict[int, Any]) -> Any:
    chosen = list(columns)
    if all(column is None for column in columns.values()):
        return frame if chosen == list(range(len(labels))) else frame.iloc[:, chosen]
    for position, column in columns.items():
        columns[position] = _column(frame, labels, position) if column is None else column
    made = pd.DataFrame(columns, index=frame.index, copy=False)
    made.columns = frame.columns[chosen]
    return made


def _column(frame: Any, labels: list[Any], position: int) -> Any:
    unique = frame.columns.is_unique  # a label is found several times as fast as a position
    return frame[labels[position]] if unique else frame.iloc[:, position]


def _is_flat(data: Any) -> bool:
    """Whether data is a scalar or a list of them, which becomes one column whatever its type."""
    if isinstance(data, list):
        return not any(isinstance(item, (list, dict)) for item in data)
    return isinstance(data, (str, bytes, int, float))


def _wanted(schema: Schema) -> str:
    count = f"{len(schema)} column{'s' if len(schema) > 1 else ''}"
    if not schema.has_input_names():
        return count
    names = ", ".join(map(str, schema.input_names()[:3]))
    return f"{count} named {names}{', …' if len(schema) > 3 else ''}"


def _positions(names: Iterable[Any]) -> dict[Name, list[int]]:
    """Where the columns of each name stand."""
    positions: dict[Name, list[int]] = {}
    for position, name in enumerate(names):
        positions.setdefault(name, []).append(position)
    return positions


def _is_exact(dtype: Any, wanted: ColumnType) -> bool:
    """Whether the type alone says that nothing is to be done."""
    if isinstance(wanted, DataType):
        return isinstance(dtype, np.dtype) and dtype == wanted.to_numpy()
    return isinstance(wanted, (AnyType, SparkVector))


def fit_column(column: Any, spec: ColSpec, mode: Mode) -> Any:
    """The column as its spec has it, itself if it fits; raises Misfit if it does not."""
    if not isinstance(spec.type, DataType):
        return fit_cells(column, spec, mode)
    if mode == "strict":
        return require_equal(column, spec.type)
    if mode != "coerce":
        return widen(column, spec.type)
    # Anything may pass for text by MLflow's rules, which is not what this mode is asked for.
    is_text = spec.type in TEXTS and not isinstance(column.dtype, pd.CategoricalDtype)
    try:
        return (require_equal if is_text else widen)(column, spec.type)
    except Misfit:
        return coerce_column(column, spec.type)
