"""Ways to the runs of a search that begin with a value of its filter, by an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.search import Comparison, Kind
from chiplog.core.tags import RUN_NAME
from chiplog.store.sql import schema
from chiplog.store.sql.conditions import (
    cut_text_equals,
    number_condition,
    starts_with,
    text_condition,
)
from chiplog.store.sql.runfilter import VALUE_TABLES
from chiplog.store.sql.texts import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.search import Tree
    from chiplog.store.sql.conditions import Condition
    from chiplog.store.sql.runfilter import RunFilter

_runs = schema.runs

_ORDERED: Final = {"=", "<", "<=", ">", ">="}


@dataclass(frozen=True)
class Driver:
    """A way to runs that begins with a value.

    Attributes:
        table: has at most one row for each run, and its key in the column ``run``.
        condition: the rows of those runs.
        in_index: the part of the condition that an index answers by itself.
    """

    table: Any
    condition: Condition
    in_index: Condition


class Drivers:
    """The ways to one experiment's active or deleted runs."""

    def __init__(self, run_filter: RunFilter, experiment: int, lifecycle: int) -> None:
        self._filter = run_filter
        self._experiment = experiment
        self._lifecycle = lifecycle

    def find(self) -> list[Driver]:
        """A way for each of the things that must hold at once, where an index finds it."""
        found = (self._driver(part) for part in self._filter.conjuncts())
        return [driver for driver in found if driver is not None]

    def _driver(self, node: Tree) -> Driver | None:
        if not isinstance(node, Comparison) or node.operator == "IS NULL":
            return None
        if node.key.kind in VALUE_TABLES:
            return self._by_value(node)
        if node.key.kind is Kind.DATASET:
            return self._by_dataset(node)
        if node.key.name == "run_name":
            return self._by_name(node)
        condition = self._indexed(node)
        return None if condition is None else _of_runs(condition)

    def _by_value(self, node: Comparison) -> Driver:
        """Every comparison but IS NULL is of a value that is there."""
        field = self._filter.field(node.key.kind, node.key.name)
        table = VALUE_TABLES[node.key.kind].alias()
        if field is None:
            return Driver(table, sa.false(), sa.false())
        there = table.c.field == field
        if node.operator == "IS NOT NULL":
            return Driver(table, there, there)
        whole = sa.and_(there, self._filter.value_condition(table, node))
        if node.key.kind is Kind.METRIC:
            return Driver(table, whole, whole)
        return Driver(table, whole, sa.and_(there, *_heads(table, node)))

    def _by_name(self, node: Comparison) -> Driver | None:
        """A run's name is a tag of it as well, and tags have an index."""
        values = _values(node)
        if node.operator not in {"=", "IN", "LIKE"} or "" in values:
            return None
        table = schema.tags.alias()
        field = self._filter.field(Kind.TAG, RUN_NAME)
        if field is None:
            return Driver(table, sa.false(), sa.false())
        head = _heads(table, node)
        in_index = sa.and_(table.c.field == field, *head)
        if node.operator == "LIKE":
            return Driver(table, in_index, in_index) if head else None
        return Driver(table, sa.and_(in_index, cut_text_equals(table, values)), in_index)

    def _by_dataset(self, node: Comparison) -> Driver | None:
        inputs, datasets = schema.inputs.alias(), schema.datasets.alias()
        if node.key.name not in {"name", "digest"}:
            return None
        column = datasets.c[node.key.name]
        found = (
            sa.select(inputs.c.run)
            .distinct()
            .join(datasets, datasets.c.id == inputs.c.dataset)
            .where(
                datasets.c.experiment_id == self._experiment,
                text_condition(column, node.operator, node.value, self._filter.dialect),
            )
        )
        return Driver(found.subquery(), sa.true(), sa.true())

    def _indexed(self, node: Comparison) -> Condition | None:
        """A comparison of an attribute as an index of ``runs`` answers it."""
        name, value = node.key.name, node.value
        here = sa.and_(
            _by_itself.c.experiment_id == self._experiment,
            _by_itself.c.deleted == self._lifecycle,
        )
        if node.key.numeric and node.operator in _ORDERED:
            assert isinstance(value, int | float)
            return sa.and_(here, number_condition(_by_itself.c[name], node.operator, value))
        if name == "run_id" and node.operator == "LIKE":
            begins = starts_with(_by_itself.c.run_id, str(value))
            return sa.and_(*begins) if begins else None
        if node.operator not in {"=", "IN"}:
            return None
        if name == "run_id":
            return _by_itself.c.run_id.in_(_values(node))
        if name == "status" and "FINISHED" not in _values(node):
            return sa.and_(
                here,
                _by_itself.c.status != schema.FINISHED,  # as the index says it
                _by_itself.c.status.in_(_values(node)),
            )
        return None


_by_itself = _runs.alias("found")


def _of_runs(condition: Condition) -> Driver:
    found = sa.select(_by_itself.c.id.label("run")).where(condition)
    return Driver(found.subquery(), sa.true(), sa.true())


def _values(node: Comparison) -> Sequence[str]:
    return node.value if isinstance(node.value, tuple) else (str(node.value),)


def _heads(table: Any, node: Comparison) -> list[Condition]:
    """What a comparison of a text says of its beginning, which is in the index."""
    if node.operator in {"=", "IN"}:
        return [table.c.head.in_([split(text)[0] for text in _values(node)])]
    return starts_with(table.c.head, str(node.value)) if node.operator == "LIKE" else []
