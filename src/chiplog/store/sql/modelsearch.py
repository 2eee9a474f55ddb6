"""Searching logged models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from chiplog.core.search import LOGGED_MODELS, Kind, parse_filter, parse_order_by, to_text
from chiplog.store.sql import doubles, schema
from chiplog.store.sql.conditions import (
    combined,
    intervals,
    number_condition,
    text_condition,
    within,
)
from chiplog.store.sql.experiments import parse_id
from chiplog.store.sql.models import KEPT, select_metrics, select_models
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

_table = schema.models


def search(
    tx: Transaction,
    *,
    experiment_ids: Sequence[str],
    filter_string: str | None,
    max_results: int,
    order_by: Sequence[str] | None,
    page_token: str | None,
) -> tuple[list[AnyRow], str | None]:
    """The rows of a page of models, and the token for the next page."""
    check_page_size(max_results)
    tree = parse_filter(filter_string, LOGGED_MODELS)
    order = parse_order_by(order_by, LOGGED_MODELS)
    columns = _columns(order)
    numbers = sorted({parse_id(experiment) for experiment in experiment_ids})
    scope = scope_of("models", numbers, to_text(tree), order)
    statement = select_models(*(column.expression for column in columns)).where(
        _table.c.experiment_id.in_(numbers), KEPT
    )
    if tree is not None:
        dialect = tx.connection.dialect
        statement = statement.where(combined(tree, lambda node: _comparison(node, dialect)))
    after = read_token(page_token, scope)
    if after is not None and len(after) != len(columns):
        after = None
    return fetch_page(tx, statement, columns, max_results=max_results, scope=scope, after=after)


def _columns(order: Sequence[OrderBy]) -> list[SortColumn]:
    columns: list[SortColumn] = []
    for item in order:
        if item.key.kind is Kind.METRIC:
            value = _latest(item.key.name)
            number = value.between(doubles.LOWEST, doubles.HIGHEST)
            columns.append(SortColumn(sa.case((value.is_(None), 2), (number, 0), else_=1)))
            columns.append(SortColumn(sa.case((number, value), else_=0), item.descending))
            continue
        column = _table.c[item.key.name]
        if column.nullable:
            columns.append(SortColumn(sa.case((column.is_(None), 1), else_=0)))
            columns.append(SortColumn(sa.func.coalesce(column, ""), item.descending))
        else:
            columns.append(SortColumn(column, item.descending))
    named = {item.key.name for item in order if item.key.kind is Kind.ATTRIBUTE}
    if "creation_timestamp" not in named:
        columns.append(SortColumn(_table.c.creation_timestamp, descending=True))
    if "model_id" not in named:
        columns.append(SortColumn(_table.c.model_id))
    return columns


def _latest(name: str) -> sa.ColumnElement[Any]:
    """The newest value of a metric that was measured on a model."""
    values = schema.context_metrics
    return (
        select_metrics(values.c.latest)
        .where(schema.contexts.c.model_id == _table.c.model_id, schema.fields.c.name == name)
        .order_by(values.c.latest_step.desc(), values.c.latest_time.desc(), values.c.latest.desc())
        .limit(1)
        .correlate(_table)
        .scalar_subquery()
    )


def _comparison(node: Comparison, dialect: sa.Dialect) -> Condition:
    kind, name, value = node.key.kind, node.key.name, node.value
    if kind in {Kind.PARAM, Kind.TAG}:
        table = (schema.model_params if kind is Kind.PARAM else schema.model_tags).alias()
        row = [table.c.model == _table.c.id, table.c.name == name]
        if node.operator == "IS NULL":
            return sa.not_(sa.exists().where(*row))
        holds = text_condition(table.c.value, node.operator, value, dialect)
        return sa.exists().where(*row, holds)
    if kind is Kind.METRIC:
        assert isinstance(value, int | float)
        query = select_metrics(sa.literal_column("1")).where(
            schema.contexts.c.model_id == _table.c.model_id,
            schema.fields.c.name == name,
            within(schema.context_metrics.c.latest, intervals(node.operator, value)),
        )
        return query.correlate(_table).exists()
    if node.key.numeric:
        assert isinstance(value, int | float)
        return number_condition(_table.c[name], node.operator, value)
    column: sa.ColumnElement[Any] = _table.c[name]
    if name == "experiment_id":
        column = sa.cast(column, sa.String(20))
    return text_condition(column, node.operator, value, dialect)
