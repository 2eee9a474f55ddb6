"""Logged models: recorded and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from chiplog.core.entities import LoggedModel, LoggedModelStatus, Metric
from chiplog.core.errors import NotFound
from chiplog.core.records import ModelRecorded, Series
from chiplog.store.sql import doubles, experiments, schema
from chiplog.store.sql.contexts import ContextWriter
from chiplog.store.sql.fields import METRIC, FieldMemory, Fields
from chiplog.store.sql.prepared import Among, select_among
from chiplog.store.sql.summaries import Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.store.sql.engine import AnyRow, AnySelect, Transaction
    from chiplog.store.sql.places import Places

_table = schema.models
KEPT = _table.c.status != LoggedModelStatus.DELETED
_COPIED = (
    "name",
    "model_type",
    "source_run_id",
    "status",
    "status_message",
    "creation_timestamp",
    "last_updated_timestamp",
)
_select_params = select_among(schema.model_params, ("model", "name", "value"), "model")
_select_tags = select_among(schema.model_tags, ("model", "name", "value"), "model")
_select_places = select_among(schema.runs, ("run_id", "id", "experiment_id"), "run_id")


def record_model(tx: Transaction, places: Places, record: ModelRecorded) -> None:
    """Write a logged model, or what has changed of it."""
    model = record.model
    known = experiments.find(tx, model.experiment_id)
    number = experiments.find_default(tx) if known is None else known[0]
    location = tx.execute(
        sa.select(schema.experiments.c.artifact_location).where(schema.experiments.c.id == number)
    ).scalar()
    default = places.model(number, location, model.model_id)
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


def _record_metrics(tx: Transaction, model: LoggedModel, run_id: str) -> None:
    """Keep the metrics a model comes with, where they are later than what is known of them.

    They are points of runs, which have them already: nothing is added to a run's history.
    """
    wanted = {metric.run_id or model.source_run_id or run_id for metric in model.metrics}
    rows = tx.among(_select_places, wanted)
    runs = {run: (number, experiment) for run, number, experiment in rows}
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
        rank = doubles.encode(float(metric.value))
        contexts.add(run, field, Summary(rank, metric.step, metric.timestamp, context))
    contexts.flush()


def get(tx: Transaction, places: Places, model_id: str) -> LoggedModel:
    """The model of that id; raises NotFound."""
    rows = tx.execute(select_models().where(_table.c.model_id == model_id, KEPT)).fetchall()
    if not rows:
        raise NotFound(f"There is no logged model {model_id!r} in this store.")
    return read(tx, places, rows)[0]


def select_models(*more: Any) -> AnySelect:
    """A select of models, and of what else is asked for, with what their locations need."""
    home = schema.experiments
    location = home.c.artifact_location.label("experiment_location")
    return sa.select(*more, _table, location).join(home, home.c.id == _table.c.experiment_id)


def read(tx: Transaction, places: Places, rows: Sequence[AnyRow]) -> list[LoggedModel]:
    """The models of some rows, with params, tags and metrics."""
    params: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    tags: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    for statement, texts in ((_select_params, params), (_select_tags, tags)):
        for model, name, value in tx.among(statement, list(texts)):
            texts[model][name] = value
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


def select_metrics(*columns: Any) -> AnySelect:
    """A select of what is known of the metrics measured on models."""
    values, contexts, fields = schema.context_metrics, schema.contexts, schema.fields
    joined = values.join(contexts, contexts.c.id == values.c.context).join(
        fields, fields.c.id == values.c.field
    )
    return sa.select(*columns).select_from(joined)


def _select_metrics_of(among: sa.ColumnElement[bool]) -> AnySelect:
    values, contexts, fields = schema.context_metrics, schema.contexts, schema.fields
    runs = schema.runs
    return select_metrics(
        contexts.c.model_id,
        fields.c.name,
        values.c.latest,
        values.c.latest_time,
        values.c.latest_step,
        contexts.c.dataset_name,
        contexts.c.dataset_digest,
        sa.select(runs.c.run_id).where(runs.c.id == values.c.run).scalar_subquery(),
    ).where(among)


_metrics_of = Among(_select_metrics_of, schema.contexts.c.model_id)


def _read_metrics(tx: Transaction, model_ids: list[str]) -> dict[str, list[Metric]]:
    found: dict[str, list[Metric]] = {}
    for row in tx.among(_metrics_of, model_ids):
        model_id, name, rank, time, step, data, digest, run_id = row
        value = doubles.decode(rank)
        metric = Metric(name, value, time, step, model_id, data or None, digest or None, run_id)
        found.setdefault(model_id, []).append(metric)
    return found
