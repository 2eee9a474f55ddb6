"""A filter on runs as SQL, for one experiment at a time: its fields have numbers of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.search import And, Comparison, Kind, Tree, comparisons
from chiplog.core.tags import DATA_CONTEXT, RUN_NAME
from chiplog.store.sql import schema
from chiplog.store.sql.conditions import (
    Condition,
    combined,
    cut_text_condition,
    intervals,
    number_condition,
    text_condition,
    within,
)
from chiplog.store.sql.fields import METRIC, PARAM, TAG

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


class RunFilter:
    """The filter of a search in one experiment."""

    def __init__(
        self, tx: Transaction, fields: Fields, places: Places, experiment: int, tree: Tree | None
    ) -> None:
        self.dialect = tx.connection.dialect
        self._fields = fields
        self._places = places
        self._experiment = experiment
        self.tree = tree
        keys = [(node.key.kind, node.key.name) for node in comparisons(tree)]
        if any(key == (Kind.ATTRIBUTE, "run_name") for key in keys):
            keys.append((Kind.TAG, RUN_NAME))
        fields.find(needed_fields(experiment, keys))

    def field(self, kind: Kind, name: str) -> int | None:
        """The number of a field, None if no run of the experiment has it."""
        return self._fields.number(self._experiment, FIELD_KINDS[kind], name)

    def condition(self) -> Condition | None:
        """The whole filter over ``runs``, None if there is none."""
        return None if self.tree is None else combined(self.tree, self._comparison)

    def conjuncts(self) -> tuple[Tree, ...]:
        """What must hold all at once."""
        if self.tree is None:
            return ()
        return self.tree.parts if isinstance(self.tree, And) else (self.tree,)

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
        return cut_text_condition(table, node, self.dialect)

    def _attribute(self, node: Comparison) -> Condition:
        name, value = node.key.name, node.value
        if node.key.numeric:
            assert isinstance(value, int | float)
            return number_condition(_runs.c[name], node.operator, value)
        return text_condition(attribute(name, self._places), node.operator, value, self.dialect)

    def _dataset(self, node: Comparison) -> Condition:
        inputs, datasets, tags = schema.inputs, schema.datasets, schema.input_tags
        if node.key.name == "context":
            return sa.exists().where(
                tags.c.run == _runs.c.id,
                tags.c.name == DATA_CONTEXT,
                text_condition(tags.c.value, node.operator, node.value, self.dialect),
            )
        return sa.exists().where(
            inputs.c.run == _runs.c.id,
            datasets.c.id == inputs.c.dataset,
            text_condition(datasets.c[node.key.name], node.operator, node.value, self.dialect),
        )


def attribute(name: str, places: Places) -> sa.ColumnElement[Any]:
    """An attribute of runs that is a text."""
    if name == "artifact_uri":
        return places.run_expression()
    return _runs.c["name" if name == "run_name" else name]
