"""Logged models: recorded, read, searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from chiplog.core.entities import LoggedModel, LoggedModelStatus, Metric
from chiplog.core.errors import NotFound
from chiplog.core.records import ModelRecorded, Refused, Series
from chiplog.core.search import (
    LOGGED_MODELS,
    Comparison,
    Kind,
    Not,
    Or,
    OrderBy,
    Tree,
    parse_filter,
    parse_order_by,
    to_text,
)
from chiplog.store.sql import doubles, schema
from chiplog.store.sql.chunks import Columns
from chiplog.store.sql.conditions import (
    Condition,
    intervals,
    number_condition,
    text_condition,
    within,
)
from chiplog.store.sql.contexts import ContextWriter
from chiplog.store.sql.experiments import parse_id
from chiplog.store.sql.fields import METRIC, FieldMemory, Fields
from chiplog.store.sql.paging import (
    SortColumn,
    behind,
    check_page_size,
    make_token,
    read_token,
    scope_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.store.sql.engine import AnyRow, AnySelect, Transaction
    from chiplog.store.sql.places import Places

_table = schema.models
_kept = _table.c.status != LoggedModelStatus.DELETED
_COPIED = (
    "name",
    "model_type",
    "source_run_id",
    "status",
    "status_message",
    "creation_timestamp",
    "last_updated_timestamp",
)


def record_model(tx: Transaction, places: Places, record: ModelRecorded) -> Refused | None:
    """Write a logged model, or what has changed of it."""
    model = record.model
    experiments = schema.experiments
    number = int(model.experiment_id) if model.experiment_id.isdecimal() else -1
    found = tx.execute(
        sa.select(experiments.c.artifact_location).where(experiments.c.id == number)
    ).first()
    if found is None:
        reason = f"there is no experiment {model.experiment_id!r} in this store"
        return Refused(record.run_id, f"the model {model.model_id!r}", reason)
    default = places.model(number, found.artifact_location, model.model_id)
    given = model.artifact_location.rstrip("/")
    values = {name: getattr(model, name) for name in _COPIED}
    values["experiment_id"] = number
    values["artifact_location"] = None if given in {"", default} else given
    row = tx.execute(sa.select(_table.c.id).where(_table.c.model_id == model.model_id)).first()
    if row is None:
        tx.execute(_table.insert().inline(), {"model_id": model.model_id, **values})
    else:
        tx.execute(_table.update().where(_table.c.id == row.id).values(values))
    row = tx.execute(sa.select(_table.c.id).where(_table.c.model_id == model.model_id)).one()
    for table, texts in ((schema.model_params, model.params), (schema.model_tags, model.tags)):
        tx.execute(table.delete().where(table.c.model == row.id))
        if texts:
            rows = [{"model": row.id, "name": k, "value": v} for k, v in texts.items()]
            tx.execute(table.insert(), rows)
    if model.metrics:
        _record_metrics(tx, model, record.run_id)
    return None


def _record_metrics(tx: Transaction, model: LoggedModel, run_id: str) -> None:
    """Keep the metrics a model comes with, where they are later than what is known of them.

    They are points of runs, which have them already: nothing is added to a run's history.
    """
    wanted = {metric.run_id or model.source_run_id or run_id for metric in model.metrics}
    table = schema.runs
    rows = tx.execute(
        sa.select(table.c.run_id, table.c.id, table.c.experiment_id).where(
            table.c.run_id.in_(wanted)
        )
    )
    runs = {row.run_id: (row.id, row.experiment_id) for row in rows}
    kept = [
        (metric, *runs[found])
        for metric in model.metrics
        if (found := metric.run_id or model.source_run_id or run_id) in runs
    ]
    fields = Fields(FieldMemory(), tx)
    fields.ensure((experiment, METRIC, metric.key) for metric, _, experiment in kept)
    contexts = ContextWriter(tx)
    for metric, run, experiment in kept:
        data = (metric.dataset_name, metric.dataset_digest)
        context = contexts.number(Series("", metric.key, model.model_id, *data))
        field = fields.number(experiment, METRIC, metric.key)
        assert field is not None
        point = Columns(
            np.array([metric.step]), np.array([metric.timestamp]), np.array([float(metric.value)])
        )
        contexts.add(context, run, field, point)
    contexts.flush()


def get(tx: Transaction, places: Places, model_id: str) -> LoggedModel:
    """The model of that id; raises NotFound."""
    rows = tx.execute(_select().where(_table.c.model_id == model_id, _kept)).fetchall()
    if not rows:
        raise NotFound(f"There is no logged model {model_id!r} in this store.")
    return read(tx, places, rows)[0]


def _select(*more: Any) -> AnySelect:
    experiments = schema.experiments
    location = experiments.c.artifact_location.label("experiment_location")
    return sa.select(*more, _table, location).join(
        experiments, experiments.c.id == _table.c.experiment_id
    )


def read(tx: Transaction, places: Places, rows: Sequence[AnyRow]) -> list[LoggedModel]:
    """The models of some rows, with params, tags and metrics."""
    params: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    tags: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    numbers = list(params)
    for at in range(0, len(numbers), 500):
        some = numbers[at : at + 500]
        for table, texts in ((schema.model_params, params), (schema.model_tags, tags)):
            for row in tx.execute(sa.select(table).where(table.c.model.in_(some))):
                texts[row.model][row.name] = row.value
    metrics = _read_metrics(tx, [row.model_id for row in rows])
    return [
        LoggedModel(
            experiment_id=str(row.experiment_id),
            model_id=row.model_id,
            artifact_location=row.artifact_location
            or places.model(row.experiment_id, row.experiment_location, row.model_id),
            **{name: getattr(row, name) for name in _COPIED},
            tags=tags[row.id],
            params=params[row.id],
            metrics=metrics.get(row.model_id, []),
        )
        for row in rows
    ]


def _metrics_query(*columns: Any) -> AnySelect:
    values, contexts, fields = schema.context_metrics, schema.contexts, schema.fields
    joined = values.join(contexts, contexts.c.id == values.c.context).join(
        fields, fields.c.id == values.c.field
    )
    return sa.select(*columns).select_from(joined)


def _read_metrics(tx: Transaction, model_ids: list[str]) -> dict[str, list[Metric]]:
    values, contexts, fields, runs = (
        schema.context_metrics,
        schema.contexts,
        schema.fields,
        schema.runs,
    )
    found: dict[str, list[Metric]] = {}
    for at in range(0, len(model_ids), 500):
        query = _metrics_query(
            contexts.c.model_id,
            fields.c.name,
            values.c.latest,
            values.c.latest_time,
            values.c.latest_step,
            contexts.c.dataset_name,
            contexts.c.dataset_digest,
            sa.select(runs.c.run_id).where(runs.c.id == values.c.run).scalar_subquery(),
        ).where(contexts.c.model_id.in_(model_ids[at : at + 500]))
        for model_id, name, rank, time, step, data, digest, run_id in tx.execute(query):
            value = doubles.decode(rank)
            metric = Metric(name, value, time, step, model_id, data or None, digest or None, run_id)
            found.setdefault(model_id, []).append(metric)
    return found


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
    statement = _select(*(column.expression for column in columns)).where(
        _table.c.experiment_id.in_(numbers), _kept
    )
    if tree is not None:
        statement = statement.where(_condition(tree, tx.connection.dialect))
    after = read_token(page_token, scope)
    if after is not None and len(after) == len(columns):
        statement = statement.where(behind(columns, after))
    statement = statement.order_by(*(column.ordered() for column in columns))
    rows = tx.execute(statement.limit(max_results + 1)).fetchall()
    page = rows[:max_results]
    more = len(rows) > max_results
    return list(page), make_token(scope, page[-1][: len(columns)]) if more else None


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
        _metrics_query(values.c.latest)
        .where(schema.contexts.c.model_id == _table.c.model_id, schema.fields.c.name == name)
        .order_by(values.c.latest_step.desc(), values.c.latest_time.desc(), values.c.latest.desc())
        .limit(1)
        .correlate(_table)
        .scalar_subquery()
    )


def _condition(tree: Tree, dialect: sa.Dialect) -> Condition:
    if isinstance(tree, Comparison):
        return _comparison(tree, dialect)
    if isinstance(tree, Not):
        return sa.not_(_condition(tree.part, dialect))
    parts = [_condition(part, dialect) for part in tree.parts]
    return sa.or_(*parts) if isinstance(tree, Or) else sa.and_(*parts)


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
        query = _metrics_query(sa.literal_column("1")).where(
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
