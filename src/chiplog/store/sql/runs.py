"""Runs: read whole, deleted, restored, and ended for a process that died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from chiplog.core.clock import now_ms
from chiplog.core.entities import (
    LifecycleStage,
    Metric,
    MetricSummary,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)
from chiplog.core.errors import NotFound
from chiplog.core.tags import EXIT_REASON
from chiplog.store.sql import doubles, schema
from chiplog.store.sql.contexts import read_contexts
from chiplog.store.sql.fields import METRIC, TAG, Fields
from chiplog.store.sql.inputs import read_inputs, read_models
from chiplog.store.sql.summaries import COLUMNS, Summary
from chiplog.store.sql.texts import join, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.store.sql.engine import AnyRow, Transaction
    from chiplog.store.sql.fields import FieldMemory
    from chiplog.store.sql.places import Places

_IN_ONE_QUERY: Final = 500

_table = schema.runs


def find(tx: Transaction, run_id: str) -> AnyRow:
    """The row of a run; raises NotFound."""
    row = tx.execute(sa.select(_table).where(_table.c.run_id == run_id)).first()
    if row is None:
        raise NotFound(
            f"There is no run {run_id!r} in this store. 'chiplog runs list' shows those that "
            "exist; 'chiplog where' shows which store this is."
        )
    return row


def read(tx: Transaction, memory: FieldMemory, places: Places, numbers: Sequence[int]) -> list[Run]:
    """Whole runs by their integer keys, in that order."""
    found: dict[int, Run] = {}
    for at in range(0, len(numbers), _IN_ONE_QUERY):
        found.update(_read_some(tx, memory, places, list(numbers[at : at + _IN_ONE_QUERY])))
    return [found[number] for number in numbers if number in found]


def _read_some(
    tx: Transaction, memory: FieldMemory, places: Places, numbers: list[int]
) -> dict[int, Run]:
    experiments = schema.experiments
    rows = tx.execute(
        sa.select(_table, experiments.c.artifact_location)
        .join(experiments, experiments.c.id == _table.c.experiment_id)
        .where(_table.c.id.in_(numbers))
    ).fetchall()
    params = _read_texts(tx, memory, schema.params, numbers)
    tags = _read_texts(tx, memory, schema.tags, numbers)
    metrics = _read_metrics(tx, memory, {row.id: row.run_id for row in rows})
    inputs = read_inputs(tx, numbers)
    models_read, outputs = read_models(tx, numbers)
    runs = {}
    for row in rows:
        of_run = inputs.get(row.id) or RunInputs()
        if row.id in models_read:
            of_run = RunInputs(of_run.dataset_inputs, models_read[row.id])
        latest = metrics.get(row.id, [])
        runs[row.id] = Run(
            _info(row, places),
            RunData(
                metrics={metric.key: metric.value for metric in latest},
                params=params.get(row.id, {}),
                tags=tags.get(row.id, {}),
                latest_metrics=latest,
            ),
            of_run,
            outputs.get(row.id) or RunOutputs(),
        )
    return runs


def _info(row: AnyRow, places: Places) -> RunInfo:
    return RunInfo(
        run_id=row.run_id,
        experiment_id=str(row.experiment_id),
        user_id=row.user_id,
        status=row.status,
        start_time=row.start_time,
        end_time=row.end_time,
        lifecycle_stage=LifecycleStage.DELETED if row.deleted else LifecycleStage.ACTIVE,
        artifact_uri=places.run(row.experiment_id, row.artifact_location, row.run_id),
        run_name=row.name,
    )


def _read_texts(
    tx: Transaction, memory: FieldMemory, table: sa.Table, numbers: list[int]
) -> dict[int, dict[str, str]]:
    columns = (table.c.run, table.c.field, table.c.head, table.c.tail)
    rows = tx.execute(sa.select(*columns).where(table.c.run.in_(numbers))).fetchall()
    names = memory.name_of(tx, {row[1] for row in rows})
    found: dict[int, dict[str, str]] = {}
    for run, field, head, tail in rows:
        found.setdefault(run, {})[names[field]] = join(head, tail)
    return found


def _read_metrics(
    tx: Transaction, memory: FieldMemory, run_ids: dict[int, str]
) -> dict[int, list[Metric]]:
    table = schema.metrics
    columns = (
        table.c.run,
        table.c.field,
        table.c.latest,
        table.c.latest_step,
        table.c.latest_time,
        table.c.context,
    )
    rows = tx.execute(sa.select(*columns).where(table.c.run.in_(list(run_ids)))).fetchall()
    names = memory.name_of(tx, {row[1] for row in rows})
    contexts = read_contexts(tx, {row[5] for row in rows})
    decode = doubles.decode
    found: dict[int, list[Metric]] = {}
    for run, field, latest, step, time, context in rows:
        if context:
            said = contexts[context]
            metric = Metric(names[field], decode(latest), time, step, **said, run_id=run_ids[run])
        else:
            metric = Metric(
                names[field], decode(latest), time, step, None, None, None, run_ids[run]
            )
        found.setdefault(run, []).append(metric)
    return found


def summary_of(
    tx: Transaction, memory: FieldMemory, run_id: str, key: str
) -> tuple[int, int, Summary] | None:
    """A run's integer key, a metric's field and its summary; None if it has no such metric."""
    row = find(tx, run_id)
    fields = Fields(memory, tx)
    fields.find([(row.experiment_id, METRIC, key)])
    field = fields.number(row.experiment_id, METRIC, key)
    if field is None:
        return None
    table = schema.metrics
    query = sa.select(*(table.c[name] for name in COLUMNS)).where(
        table.c.run == row.id, table.c.field == field
    )
    found = tx.execute(query).first()
    return None if found is None else (row.id, field, Summary(*found))


def read_summaries(tx: Transaction, memory: FieldMemory, run_id: str) -> list[MetricSummary]:
    """Every metric of a run in a line, by key."""
    row = find(tx, run_id)
    table = schema.metrics
    rows = tx.execute(sa.select(table).where(table.c.run == row.id)).fetchall()
    names = memory.name_of(tx, {row.field for row in rows})
    return sorted(
        (
            MetricSummary(
                key=names[row.field],
                count=row[6],
                latest=doubles.decode(row.latest),
                latest_step=row.latest_step,
                latest_timestamp=row.latest_time,
                min=doubles.decode(row.min),
                min_step=row.min_step,
                max=doubles.decode(row.max),
                max_step=row.max_step,
            )
            for row in rows
        ),
        key=lambda summary: summary.key,
    )


def delete(tx: Transaction, run_id: str) -> None:
    """Put a run in the bin; one that is there stays."""
    row = find(tx, run_id)
    if not row.deleted:
        tx.execute(
            _table.update().where(_table.c.id == row.id).values(deleted=1, deleted_time=now_ms())
        )


def restore(tx: Transaction, run_id: str) -> None:
    """Take a run out of the bin."""
    row = find(tx, run_id)
    tx.execute(_table.update().where(_table.c.id == row.id).values(deleted=0, deleted_time=None))


def read_document(tx: Transaction, run_id: str, name: str) -> bytes | None:
    """The document of that name, None if a run has none."""
    table = schema.documents
    query = sa.select(table.c.body).where(table.c.run == find(tx, run_id).id, table.c.name == name)
    return tx.execute(query).scalar()


def mark_dead(
    tx: Transaction, fields: Fields, journal_id: str, last_seen: int, reason: str
) -> list[str]:
    """End the running runs of a dead process's journal; their ids."""
    owners = schema.owners
    rows = tx.execute(
        sa.select(_table.c.id, _table.c.run_id, _table.c.experiment_id)
        .join(owners, owners.c.run == _table.c.id)
        .where(owners.c.journal_id == journal_id, _table.c.status == "RUNNING")
        .with_for_update()
    ).fetchall()
    for row in rows:
        tx.execute(
            _table.update().where(_table.c.id == row.id).values(status="KILLED", end_time=last_seen)
        )
        fields.ensure([(row.experiment_id, TAG, EXIT_REASON)])
        field = fields.number(row.experiment_id, TAG, EXIT_REASON)
        assert field is not None
        _set_tag(tx, row.id, field, reason + _last_point(tx, row.id))
    tx.execute(owners.delete().where(owners.c.journal_id == journal_id))
    return [row.run_id for row in rows]


def _last_point(tx: Transaction, run: int) -> str:
    """Words about the newest metric point of a run."""
    metrics, fields = schema.metrics, schema.fields
    row = tx.execute(
        sa.select(fields.c.name, metrics.c.latest_step)
        .join(fields, fields.c.id == metrics.c.field)
        .where(metrics.c.run == run)
        .order_by(metrics.c.latest_time.desc(), metrics.c.latest_step.desc(), fields.c.name)
        .limit(1)
    ).first()
    return "" if row is None else f" (last seen at step {row.latest_step} of {row.name})"


def _set_tag(tx: Transaction, run: int, field: int, value: str) -> None:
    table = schema.tags
    head, tail = split(value)
    tx.execute(table.delete().where(table.c.run == run, table.c.field == field))
    tx.execute(table.insert(), {"run": run, "field": field, "head": head, "tail": tail})
