"""The states of a batch's runs, written table by table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.entities import RunStatus
from chiplog.store.sql import doubles, schema
from chiplog.store.sql.columns import Columns, summarize
from chiplog.store.sql.contexts import ContextWriter
from chiplog.store.sql.fields import METRIC, PARAM, TAG
from chiplog.store.sql.inputs import InputWriter
from chiplog.store.sql.points import PointWriter
from chiplog.store.sql.prepared import delete, insert, select, select_among, update
from chiplog.store.sql.summaries import COLUMNS, Summary
from chiplog.store.sql.texts import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chiplog.core.records import SeriesPoints
    from chiplog.store.sql.engine import Transaction
    from chiplog.store.sql.fields import FieldKey, Fields
    from chiplog.store.sql.runstate import RunState, RunStates

_FEW: Final = 4

_insert_run = insert(
    schema.runs, *(column.name for column in schema.runs.columns if column.name != "id")
)
_update_run = update(schema.runs, ("name", "status", "end_time"), ("id",))
_select_numbers = select_among(schema.runs, ("run_id", "id"), "run_id")
_insert_param = insert(schema.params)
_insert_tag = insert(schema.tags)
_update_tag = update(schema.tags, ("head", "tail"), ("run", "field"))
_delete_tag = delete(schema.tags, "run", "field")
_select_tags = select(schema.tags, ("field",), ("run",))
_insert_metric = insert(schema.metrics)
_update_metric = update(schema.metrics, COLUMNS, ("run", "field"))
_select_metric = select(schema.metrics, COLUMNS, ("run", "field"))
_select_metrics = select(schema.metrics, ("field", *COLUMNS), ("run",))
_insert_document = insert(schema.documents, "run", "name", "body")
_delete_document = delete(schema.documents, "run", "name")
_insert_owner = insert(schema.owners)
_delete_owner = delete(schema.owners, "run")


class RunsWriter:
    """Writes what the states of a batch hold."""

    def __init__(self, tx: Transaction, fields: Fields, journal_id: str) -> None:
        self._tx = tx
        self._fields = fields
        self._journal_id = journal_id

    def write(self, states: RunStates) -> None:
        """Write everything but metric points."""
        runs = list(states.by_id.values())
        self._write_runs(runs)
        self._ensure_fields(runs)
        self._write_params(runs)
        self._write_tags(runs)
        self._write_single_metrics(runs)
        self._write_documents(runs)
        self._write_owners(runs)
        InputWriter(self._tx).write(runs)

    def _write_runs(self, runs: list[RunState]) -> None:
        new = [run for run in runs if run.new]
        self._tx.many(
            _insert_run,
            (
                (
                    run.run_id,
                    run.experiment,
                    run.name,
                    run.user_id,
                    run.status,
                    run.start_time,
                    run.end_time,
                    int(run.deleted),
                    run.start_time if run.deleted else None,
                )
                for run in new
            ),
        )
        self._read_numbers(new)
        self._tx.many(
            _update_run,
            (
                (run.name, run.status, run.end_time, run.number)
                for run in runs
                if run.changed and not run.new
            ),
        )

    def _read_numbers(self, new: list[RunState]) -> None:
        by_id = {run.run_id: run for run in new}
        for run_id, number in self._tx.among(_select_numbers, by_id):
            by_id[run_id].number = number

    def _ensure_fields(self, runs: list[RunState]) -> None:
        needed: set[FieldKey] = set()
        for run in runs:
            needed.update((run.experiment, PARAM, name) for name in run.params)
            needed.update((run.experiment, TAG, name) for name in run.tags)
            needed.update((run.experiment, METRIC, name) for name in run.metrics)
        self._fields.ensure(needed)

    def _field(self, run: RunState, kind: str, name: str) -> int:
        number = self._fields.number(run.experiment, kind, name)
        assert number is not None
        return number

    def _write_params(self, runs: list[RunState]) -> None:
        self._tx.many(
            _insert_param,
            (
                (run.number, self._field(run, PARAM, name), *split(value))
                for run in runs
                for name, value in run.params.items()
            ),
        )

    def _write_tags(self, runs: list[RunState]) -> None:
        inserted: list[tuple[Any, ...]] = []
        updated: list[tuple[Any, ...]] = []
        deleted: list[tuple[int, int]] = []
        for run in runs:
            if not run.tags:
                continue
            known: set[int] = set()
            if not run.new:
                known = {row[0] for row in self._tx.rows(_select_tags, run.number)}
            for name, value in run.tags.items():
                field = self._field(run, TAG, name)
                if value is None:
                    deleted.append((run.number, field))
                elif field in known:
                    updated.append((*split(value), run.number, field))
                else:
                    inserted.append((run.number, field, *split(value)))
        self._tx.many(_insert_tag, inserted)
        self._tx.many(_update_tag, updated)
        self._tx.many(_delete_tag, deleted)

    def _write_single_metrics(self, runs: list[RunState]) -> None:
        """Write the metrics of whole runs, one point each."""
        rows: list[tuple[int, ...]] = []
        for run in runs:
            for name, value in run.metrics.items():
                rank = doubles.encode(value)
                time = run.end_time or run.start_time
                field = self._field(run, METRIC, name)
                rows.append((run.number, field, rank, 0, time, 0, 1, 0, rank, 0, rank, 0))
        self._tx.many(_insert_metric, rows)

    def _write_documents(self, runs: list[RunState]) -> None:
        rows = [(run.number, name, body) for run in runs for name, body in run.documents.items()]
        self._tx.many(_delete_document, ((run, name) for run, name, _ in rows))
        self._tx.many(_insert_document, rows)

    def _write_owners(self, runs: list[RunState]) -> None:
        """Remember whose death ends which running run."""
        told = [run for run in runs if run.owned is not None or run.changed]
        self._tx.many(
            _delete_owner,
            (
                (run.number,)
                for run in told
                if not run.new and (run.owned is not None or RunStatus.is_terminated(run.status))
            ),
        )
        self._tx.many(
            _insert_owner,
            (
                (run.number, self._journal_id)
                for run in told
                if run.owned and not RunStatus.is_terminated(run.status)
            ),
        )

    def write_points(self, states: RunStates, all_points: Sequence[SeriesPoints]) -> None:
        """Write metric points, and bring the metrics' summaries up to date."""
        if not all_points:
            return
        placed = [(states.by_id[points.series.run_id], points) for points in all_points]
        self._fields.ensure((run.experiment, METRIC, points.series.key) for run, points in placed)
        contexts = ContextWriter(self._tx)
        writer = PointWriter(self._tx)
        numbered = [
            (run.number, self._field(run, METRIC, points.series.key), points)
            for run, points in placed
            if len(points)
        ]
        empty = {run.number for run, _ in placed if run.new and not run.metrics}
        known = self._summaries({(run, field) for run, field, _ in numbered if run not in empty})
        summaries: dict[tuple[int, int], Summary] = dict(known)
        for run, field, points in numbered:
            columns = Columns(points.steps, points.timestamps, points.values)
            added = summarize(columns, contexts.number(points.series))
            if added.context:
                contexts.add(run, field, added)
            place = run, field
            summaries[place] = writer.add(place, summaries.get(place), columns, added)
        writer.flush()
        contexts.flush()
        self._write_summaries(summaries, known.keys())

    def _summaries(self, keys: set[tuple[int, int]]) -> dict[tuple[int, int], Summary]:
        by_run: dict[int, list[int]] = {}
        for run, field in keys:
            by_run.setdefault(run, []).append(field)
        found: dict[tuple[int, int], Summary] = {}
        for run, fields in by_run.items():
            if len(fields) <= _FEW:
                for field in fields:
                    for row in self._tx.rows(_select_metric, run, field):
                        found[run, field] = Summary(*row)
            else:
                for field, *columns in self._tx.rows(_select_metrics, run):
                    if (run, field) in keys:
                        found[run, field] = Summary(*columns)
        return found

    def _write_summaries(
        self, summaries: dict[tuple[int, int], Summary], known: Iterable[tuple[int, int]]
    ) -> None:
        old = set(known)
        self._tx.many(
            _insert_metric,
            ((*key, *summary.row()) for key, summary in summaries.items() if key not in old),
        )
        self._tx.many(
            _update_metric,
            ((*summary.row(), *key) for key, summary in summaries.items() if key in old),
        )
