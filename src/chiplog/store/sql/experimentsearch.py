"""Searching experiments: a table small enough to be sorted each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from chiplog.core.entities import ViewType
from chiplog.core.errors import InvalidValue
from chiplog.core.search import EXPERIMENTS, Kind, parse_filter, parse_order_by, to_text
from chiplog.store.sql import schema
from chiplog.store.sql.conditions import combined, number_condition, text_condition
from chiplog.store.sql.paging import (
    SortColumn,
    check_page_size,
    fetch_page,
    read_token,
    scope_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.search import Comparison, OrderBy
    from chiplog.store.sql.conditions import Condition
    from chiplog.store.sql.engine import AnyRow, Transaction

_table = schema.experiments
_tags = schema.experiment_tags


def search(
    tx: Transaction,
    *,
    view_type: int,
    max_results: int,
    filter_string: str | None,
    order_by: Sequence[str] | None,
    page_token: str | None,
) -> tuple[list[AnyRow], str | None]:
    """The rows of a page of experiments, and the token for the next page."""
    check_page_size(max_results)
    tree = parse_filter(filter_string, EXPERIMENTS)
    order = parse_order_by(order_by, EXPERIMENTS)
    columns = _columns(order)
    scope = scope_of("experiments", to_text(tree), order, view_type)
    statement = sa.select(*(column.expression for column in columns), _table)
    if view_type != ViewType.ALL:
        statement = statement.where(_table.c.deleted == int(view_type == ViewType.DELETED_ONLY))
    if tree is not None:
        dialect = tx.connection.dialect
        statement = statement.where(combined(tree, lambda node: _comparison(node, dialect)))
    after = read_token(page_token, scope, [_type(column) for column in columns])
    return fetch_page(tx, statement, columns, max_results=max_results, scope=scope, after=after)


def _columns(order: Sequence[OrderBy]) -> list[SortColumn]:
    named = {item.key.name: item.descending for item in order}
    named.setdefault("creation_time", True)
    named.setdefault("experiment_id", False)
    return [
        SortColumn(_attribute(name).label(f"sort_{at}").element, descending)
        for at, (name, descending) in enumerate(named.items())
    ]


def _type(column: SortColumn) -> type:
    return str if column.expression is _table.c.name else int


def _attribute(name: str) -> sa.Column[Any]:
    return _table.c["id" if name == "experiment_id" else name]


def _comparison(node: Comparison, dialect: sa.Dialect) -> Condition:
    name, operator, value = node.key.name, node.operator, node.value
    if node.key.kind is Kind.TAG:
        tags = _tags.alias()
        row = [tags.c.experiment_id == _table.c.id, tags.c.name == name]
        if operator == "IS NULL":
            return sa.not_(sa.exists().where(*row))
        return sa.exists().where(*row, text_condition(tags.c.value, operator, value, dialect))
    if node.key.numeric:
        assert isinstance(value, int | float)
        return number_condition(_attribute(name), operator, value)
    if name == "experiment_id":
        return _by_id(operator, value)
    return text_condition(_table.c.name, operator, value, dialect)


def _by_id(operator: str, value: Any) -> Condition:
    if operator not in {"=", "!=", "IN", "NOT IN"}:
        raise InvalidValue(
            f"experiment_id can be compared by =, !=, IN and NOT IN, not by {operator}."
        )
    texts = value if isinstance(value, tuple) else (value,)
    known = [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19]
    among = _table.c.id.in_(known)
    return sa.not_(among) if operator in {"!=", "NOT IN"} else among
