"""A filter on runs as SQL, for one experiment at a time: its fields have numbers of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.search import And, Comparison, Kind, Not, Or, Tree, comparisons
from chiplog.core.tags import DATA_CONTEXT
from chiplog.store.sql import schema
from chiplog.store.sql.conditions import (
    Condition,
    cut_text_condition,
    cut_text_equals,
    intervals,
    number_condition,
    text_condition,
    within,
)
from chiplog.store.sql.fields import METRIC, PARAM, TAG
from chiplog.store.sql.texts import split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.store.sql.engine import Transaction
    from chiplog.store.sql.fields import FieldKey, Fields
    from chiplog.store.sql.places import Places

FIELD_KINDS: Final = {Kind.METRIC: METRIC, Kind.PARAM: PARAM, Kind.TAG: TAG}
VALUE_TABLES: Final = {
    Kind.METRIC: schema.metrics,
    Kind.PARAM: schema.params,
    Kind.TAG: schema.tags,
}

_runs = schema.runs


def needed_fields(experiment: int, kinds_and_names: Iterable[tuple[Kind, str]]) -> list[FieldKey]:
    """The fields that some keys stand for in an experiment."""
    return [
        (experiment, FIELD_KINDS[kind], name)
        for kind, name in kinds_and_names
        if kind in FIELD_KINDS
    ]


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


class RunFilter:
    """The filter of a search in one experiment."""

    def __init__(
        self, tx: Transaction, fields: Fields, places: Places, experiment: int, tree: Tree | None
    ) -> None:
        self._dialect = tx.connection.dialect
        self._fields = fields
        self._places = places
        self._experiment = experiment
        self.tree = tree
        keys = ((node.key.kind, node.key.name) for node in comparisons(tree))
        fields.find(needed_fields(experiment, keys))

    def field(self, kind: Kind, name: str) -> int | None:
        """The number of a field, None if no run of the experiment has it."""
        return self._fields.number(self._experiment, FIELD_KINDS[kind], name)

    def condition(self) -> Condition | None:
        """The whole filter over ``runs``, None if there is none."""
        return None if self.tree is None else self._condition(self.tree)

    def conjuncts(self) -> tuple[Tree, ...]:
        """What must hold all at once."""
        if self.tree is None:
            return ()
        return self.tree.parts if isinstance(self.tree, And) else (self.tree,)

    def _condition(self, tree: Tree) -> Condition:
        if isinstance(tree, Comparison):
            return self._comparison(tree)
        if isinstance(tree, Not):
            return sa.not_(self._condition(tree.part))
        parts = [self._condition(part) for part in tree.parts]
        return sa.or_(*parts) if isinstance(tree, Or) else sa.and_(*parts)

    def _comparison(self, node: Comparison) -> Condition:
        if node.key.kind is Kind.ATTRIBUTE:
            return self._attribute(node)
        if node.key.kind is Kind.DATASET:
            return self._dataset(node)
        absent = node.operator == "IS NULL"
        field = self.field(node.key.kind, node.key.name)
        if field is None:
            return sa.true() if absent else sa.false()
        table = VALUE_TABLES[node.key.kind].alias()
        row = [table.c.run == _runs.c.id, table.c.field == field]
        if not node.operator.startswith("IS "):
            row.append(self.value_condition(table, node))
        # At most one row: a scalar, which no database turns into a join that comes first.
        value = sa.select(sa.literal_column("1")).where(*row).correlate(_runs).scalar_subquery()
        return value.is_(None) if absent else value.is_not(None)

    def value_condition(self, table: Any, node: Comparison) -> Condition:
        """A comparison of the value in a row of a table of values."""
        if node.key.kind is Kind.METRIC:
            value: Any = node.value
            return within(table.c.latest, intervals(node.operator, value))
        return cut_text_condition(table, node, self._dialect)

    def _attribute(self, node: Comparison) -> Condition:
        name, value = node.key.name, node.value
        if node.key.numeric:
            assert isinstance(value, int | float)
            return number_condition(_runs.c[name], node.operator, value)
        return text_condition(attribute(name, self._places), node.operator, value, self._dialect)

    def _dataset(self, node: Comparison) -> Condition:
        inputs, datasets, tags = schema.inputs, schema.datasets, schema.input_tags
        if node.key.name == "context":
            return sa.exists().where(
                tags.c.run == _runs.c.id,
                tags.c.name == DATA_CONTEXT,
                text_condition(tags.c.value, node.operator, node.value, self._dialect),
            )
        return sa.exists().where(
            inputs.c.run == _runs.c.id,
            datasets.c.id == inputs.c.dataset,
            text_condition(datasets.c[node.key.name], node.operator, node.value, self._dialect),
        )

    def driver(self, node: Tree) -> Driver | None:
        """How an index finds the runs of a comparison, None if none does."""
        if not isinstance(node, Comparison) or node.key.kind not in FIELD_KINDS:
            return None
        kind, value = node.key.kind, node.value
        if node.operator not in {"=", "IN", "<", "<=", ">", ">="}:
            return None
        field = self.field(kind, node.key.name)
        table = VALUE_TABLES[kind].alias()
        if field is None:
            return Driver(table, sa.false(), sa.false())
        assert value is not None
        if kind is Kind.METRIC:
            assert isinstance(value, int | float)
            found = sa.and_(
                table.c.field == field, within(table.c.latest, intervals(node.operator, value))
            )
            return Driver(table, found, found)
        values = value if isinstance(value, tuple) else (str(value),)
        heads = [split(text)[0] for text in values]
        return Driver(
            table,
            sa.and_(table.c.field == field, cut_text_equals(table, values)),
            sa.and_(table.c.field == field, table.c.head.in_(heads)),
        )


def attribute(name: str, places: Places) -> sa.ColumnElement[Any]:
    """An attribute of runs that is a text."""
    if name == "artifact_uri":
        return places.run_expression()
    return _runs.c["name" if name == "run_name" else name]
