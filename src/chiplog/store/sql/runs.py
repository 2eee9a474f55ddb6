"""Runs: read whole, deleted, restored, and ended for a process that died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
from chiplog.store.sql.prepared import Among, Prepared, select, select_among
from chiplog.store.sql.summaries import COLUMNS, Summary
from chiplog.store.sql.texts import join, split

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from chiplog.store.sql.engine import AnyRow, AnySelect, Transaction
    from chiplog.store.sql.fields import FieldMemory
    from chiplog.store.sql.places import Places

_table = schema.runs

_columns: Final = (
    "id",
    "run_id",
    "experiment_id",
    "user_id",
    "name",
    "status",
    "start_time",
    "end_time",
    "deleted",
)


def _select_runs() -> AnySelect:
    experiments = schema.experiments
    return sa.select(*(_table.c[name] for name in _columns), experiments.c.artifact_location).join(
        experiments, experiments.c.id == _table.c.experiment_id
    )


_text_columns: Final = ("run", "field", "head", "tail")

_select_by_id = Prepared(
    _select_runs().where(_table.c.run_id == sa.bindparam("run_id")), ("run_id",)
)
_select_by_number = Among(lambda among: _select_runs().where(among), _table.c.id)
_select_place = select(_table, ("id", "experiment_id"), ("run_id",))
_select_params = select_among(schema.params, _text_columns, "run")
_select_tags = select_among(schema.tags, _text_columns, "run")
_select_metrics = select_among(
    schema.metrics, ("run", "field", "latest", "latest_step", "latest_time", "context"), "run"
)
_select_summary = select(schema.metrics, COLUMNS, ("run", "field"))
_select_summaries = select(schema.metrics, ("field", *COLUMNS), ("run",))
_select_document = select(schema.documents, ("body",), ("run", "name"))


def find(tx: Transaction, run_id: str) -> AnyRow:
    """The row of a run; raises NotFound."""
    row = tx.execute(sa.select(_table).where(_table.c.run_id == run_id)).first()
    if row is None:
        raise _not_found(run_id)
    return row


def _not_found(run_id: str) -> NotFound:
    return NotFound(
        f"There is no run {run_id!r} in this store. 'chiplog runs list' shows those that "
        "exist; 'chiplog where' shows which store this is."
    )


def _place(tx: Transaction, run_id: str) -> tuple[int, int]:
    """The integer key of a run and its experiment's; raises NotFound."""
    rows = tx.rows(_select_place, run_id)
    if not rows:
        raise _not_found(run_id)
    number, experiment = rows[0]
    return number, experiment


def get(tx: Transaction, memory: FieldMemory, places: Places, run_id: str) -> Run:
    """The run of that id; raises NotFound."""
    rows = tx.rows(_select_by_id, run_id)
    if not rows:
        raise _not_found(run_id)
    return _whole(tx, memory, places, rows)[rows[0][0]]


def read(tx: Transaction, memory: FieldMemory, places: Places, numbers: Sequence[int]) -> list[Run]:
    """Whole runs by their integer keys, in that order."""
    found = _whole(tx, memory, places, tx.among(_select_by_number, numbers))
    return [found[number] for number in numbers if number in found]


def _whole(
    tx: Transaction, memory: FieldMemory, places: Places, rows: Sequence[tuple[Any, ...]]
) -> dict[int, Run]:
    """The runs of rows of :func:`_select_runs`, with everything that belongs to them."""
    run_ids = {row[0]: row[1] for row in rows}
    numbers = list(run_ids)
    params = _read_texts(tx, memory, tx.among(_select_params, numbers))
    tags = _read_texts(tx, memory, tx.among(_select_tags, numbers))
    metrics = _read_metrics(tx, memory, run_ids)
    inputs = read_inputs(tx, numbers)
    models_read, outputs = read_models(tx, numbers)
    runs = {}
    for number, *row in rows:
        of_run = inputs.get(number) or RunInputs()
        if number in models_read:
            of_run = RunInputs(of_run.dataset_inputs, models_read[number])
        latest = metrics.get(number, [])
        runs[number] = Run(
            _info(row, places),
            RunData(
                metrics={metric.key: metric.value for metric in latest},
                params=params.get(number, {}),
                tags=tags.get(number, {}),
                latest_metrics=latest,
            ),
            of_run,
            outputs.get(number) or RunOutputs(),
        )
    return runs


def _info(row: Sequence[Any], places: Places) -> RunInfo:
    run_id, experiment, user_id, name, status, start_time, end_time, deleted, location = row
    return RunInfo(
        run_id=run_id,
        experiment_id=str(experiment),
        user_id=user_id,
        status=status,
        start_time=start_time,
        end_time=end_time,
        lifecycle_stage=LifecycleStage.DELETED if deleted else LifecycleStage.ACTIVE,
        artifact_uri=places.run(experiment, location, run_id),
        run_name=name,
    )


def _read_texts(
    tx: Transaction, memory: FieldMemory, rows: Collection[tuple[Any, ...]]
) -> dict[int, dict[str, str]]:
    names = memory.name_of(tx, {row[1] for row in rows})
    found: dict[int, dict[str, str]] = {}
    for run, field, head, tail in rows:
        found.setdefault(run, {})[names[field]] = join(head, tail)
    return found


def _read_metrics(
    tx: Transaction, memory: FieldMemory, run_ids: dict[int, str]
) -> dict[int, list[Metric]]:
    rows = tx.among(_select_metrics, run_ids)
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
    number, experiment = _place(tx, run_id)
    fields = Fields(memory, tx)
    fields.find([(experiment, METRIC, key)])
    field = fields.number(experiment, METRIC, key)
    if field is None:
        return None
    rows = tx.rows(_select_summary, number, field)
    return (number, field, Summary(*rows[0])) if rows else None


def read_summaries(tx: Transaction, memory: FieldMemory, run_id: str) -> list[MetricSummary]:
    """Every metric of a run in a line, by key."""
    rows = tx.rows(_select_summaries, _place(tx, run_id)[0])
    names = memory.name_of(tx, {row[0] for row in rows})
    summaries = ((names[field], Summary(*row)) for field, *row in rows)
    return sorted(
        (
            MetricSummary(
                key=name,
                count=summary.count,
                latest=doubles.decode(summary.latest),
                latest_step=summary.latest_step,
                latest_timestamp=summary.latest_time,
                min=doubles.decode(summary.min),
                min_step=summary.min_step,
                max=doubles.decode(summary.max),
                max_step=summary.max_step,
            )
            for name, summary in summaries
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
    rows = tx.rows(_select_document, _place(tx, run_id)[0], name)
    return bytes(rows[0][0]) if rows else None


def mark_dead(
    tx: Transaction, fields: Fields, journal_id: str, last_seen: int, reason: str
) -> list[str]:
    """End the running runs of a dead process's journal; their ids."""
    owners = schema.owners
    rows = tx.execute(
        sa.select(_table.c.id, _table.c.run_id, _table.c.experiment_id, _table.c.start_time)
        .join(owners, owners.c.run == _table.c.id)
        .where(owners.c.journal_id == journal_id, _table.c.status == "RUNNING")
        .with_for_update()
    ).fetchall()
    last = max(last_seen, _latest_time(tx, journal_id))
    for row in rows:
        end_time = max(last, row.start_time)
        tx.execute(
            _table.update().where(_table.c.id == row.id).values(status="KILLED", end_time=end_time)
        )
        fields.ensure([(row.experiment_id, TAG, EXIT_REASON)])
        field = fields.number(row.experiment_id, TAG, EXIT_REASON)
        assert field is not None
        _set_tag(tx, row.id, field, reason + _last_point(tx, row.id))
    tx.execute(owners.delete().where(owners.c.journal_id == journal_id))
    return [row.run_id for row in rows]


def _latest_time(tx: Transaction, journal_id: str) -> int:
    """The time of the newest point of the runs a journal owns; 0 without. None comes from later."""
    metrics, owners = schema.metrics, schema.owners
    query = (
        sa.select(sa.func.max(metrics.c.latest_time))
        .join(owners, owners.c.run == metrics.c.run)
        .where(owners.c.journal_id == journal_id, metrics.c.latest_time <= now_ms())
    )
    return tx.execute(query).scalar() or 0


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
