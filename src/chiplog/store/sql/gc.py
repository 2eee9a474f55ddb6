"""Garbage collection: what lies in the bin is freed, rows, files and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.clock import now_ms
from chiplog.core.entities import LoggedModelStatus
from chiplog.core.errors import InvalidValue
from chiplog.core.stores import open_artifact_store
from chiplog.store.sql import schema
from chiplog.store.sql.experiments import get_row
from chiplog.store.sql.runs import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chiplog.core.stores import ArtifactStore
    from chiplog.store.sql.engine import AnyRow, Database, Transaction
    from chiplog.store.sql.places import Places

_RUNS_AT_ONCE: Final = 200

_runs = schema.runs
_experiments = schema.experiments
_models = schema.models


@dataclass
class Freed:
    """What a collection freed, or would free; a :class:`~chiplog.core.stores.GarbageReport`."""

    experiments: int = 0
    runs: int = 0
    models: int = 0
    points: int = 0
    artifact_files: int = 0
    artifact_bytes: int = 0
    database_bytes: int = 0


@dataclass(frozen=True)
class Bin:
    """The integer keys of what is to go."""

    experiments: list[int]
    runs: list[int]
    models: list[int]


class Collector:
    """One collection."""

    def __init__(self, database: Database, places: Places) -> None:
        self._database = database
        self._places = places
        self._freed = Freed()

    def collect(
        self,
        older_than_ms: int,
        run_ids: Sequence[str] | None,
        experiment_ids: Sequence[str] | None,
        *,
        dry_run: bool,
    ) -> Freed:
        """Free what was deleted at least ``older_than_ms`` ago, or of that what is named."""
        full = self._database.read(lambda tx: _bin(tx, older_than_ms, run_ids, experiment_ids))
        before = self._size()
        for at in range(0, len(full.runs), _RUNS_AT_ONCE):
            self._collect_runs(full.runs[at : at + _RUNS_AT_ONCE], dry_run=dry_run)
        for model in full.models:
            self._collect_model(model, dry_run=dry_run)
        for experiment in full.experiments:
            self._collect_experiment(experiment, dry_run=dry_run)
        if not dry_run and self._database.path is not None:
            self._database.shrink()
            self._freed.database_bytes = max(before - self._size(), 0)
        return self._freed

    def _collect_runs(self, numbers: list[int], *, dry_run: bool) -> None:
        rows = self._database.read(lambda tx: _run_rows(tx, numbers))
        for row in rows:
            location = row.artifact_location
            uri = self._places.run(row.experiment_id, location, row.run_id)
            # A run's folder is the parent of its artifacts; both go.
            self._free_artifacts(uri.removesuffix("/artifacts"), dry_run=dry_run)
            self._freed.runs += 1
            self._freed.points += row.points or 0
        if not dry_run:
            self._database.write(lambda tx: _delete_runs(tx, [row.id for row in rows]))

    def _collect_model(self, number: int, *, dry_run: bool) -> None:
        row = self._database.read(
            lambda tx: tx.execute(
                sa.select(_models, _experiments.c.artifact_location.label("experiment_location"))
                .join(_experiments, _experiments.c.id == _models.c.experiment_id)
                .where(_models.c.id == number)
            ).first()
        )
        if row is None:
            return
        default = self._places.model(row.experiment_id, row.experiment_location, row.model_id)
        uri = row.artifact_location or default
        self._free_artifacts(uri.removesuffix("/artifacts"), dry_run=dry_run)
        self._freed.models += 1
        if not dry_run:
            self._database.write(lambda tx: _delete_model(tx, number))

    def _collect_experiment(self, number: int, *, dry_run: bool) -> None:
        row = self._database.read(
            lambda tx: tx.execute(sa.select(_experiments).where(_experiments.c.id == number)).one()
        )
        if row.artifact_location is None:  # a place of the user's own is not ours to remove
            self._free_artifacts(self._places.experiment(number, None), dry_run=dry_run)
        self._freed.experiments += 1
        if not dry_run:
            self._database.write(lambda tx: _delete_experiment(tx, number))

    def _free_artifacts(self, uri: str, *, dry_run: bool) -> None:
        store = open_artifact_store(uri)
        files, size = _weigh(store, None) if dry_run else store.delete(None)
        self._freed.artifact_files += files
        self._freed.artifact_bytes += size

    def _size(self) -> int:
        """The bytes of the database file, free pages included."""
        if self._database.path is None:
            return 0

        def pages(tx: Transaction) -> int:
            count = tx.connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
            return int(count * (tx.connection.exec_driver_sql("PRAGMA page_size").scalar() or 0))

        return self._database.read(pages)


def _weigh(store: ArtifactStore, path: str | None) -> tuple[int, int]:
    files = size = 0
    for item in store.list(path):
        more = _weigh(store, item.path) if item.is_dir else (1, item.file_size or 0)
        files += more[0]
        size += more[1]
    return files, size


def _bin(
    tx: Transaction,
    older_than_ms: int,
    run_ids: Iterable[str] | None,
    experiment_ids: Iterable[str] | None,
) -> Bin:
    models: list[int] = []
    if run_ids is None and experiment_ids is None:
        until = now_ms() - older_than_ms
        old = (_experiments.c.deleted == 1) & (_experiments.c.deleted_time <= until)
        experiments = list(tx.execute(sa.select(_experiments.c.id).where(old)).scalars())
        runs = _numbers(tx, (_runs.c.deleted == 1) & (_runs.c.deleted_time <= until))
        in_bin = _models.c.status == LoggedModelStatus.DELETED
        gone = in_bin & (_models.c.last_updated_timestamp <= until)
        models += tx.execute(sa.select(_models.c.id).where(gone)).scalars()
    else:
        experiments = [
            _deleted(get_row(tx, id_), "experiment", id_) for id_ in experiment_ids or ()
        ]
        runs = [_deleted(find(tx, run_id), "run", run_id) for run_id in run_ids or ()]
    for experiment in experiments:
        runs += _numbers(tx, _runs.c.experiment_id == experiment)
        query = sa.select(_models.c.id).where(_models.c.experiment_id == experiment)
        models += tx.execute(query).scalars()
    return Bin(experiments, list(dict.fromkeys(runs)), list(dict.fromkeys(models)))


def _numbers(tx: Transaction, condition: Any) -> list[int]:
    return list(tx.execute(sa.select(_runs.c.id).where(condition)).scalars())


def _deleted(row: AnyRow, what: str, public_id: str) -> int:
    if not row.deleted:
        raise InvalidValue(
            f"The {what} {public_id!r} is not deleted, so it is no garbage. Delete it first."
        )
    return int(row.id)


def _run_rows(tx: Transaction, numbers: list[int]) -> Sequence[AnyRow]:
    metrics = schema.metrics
    points = sa.select(sa.func.sum(metrics.c["count"])).where(metrics.c.run == _runs.c.id)
    return tx.execute(
        sa.select(
            _runs.c.id,
            _runs.c.run_id,
            _runs.c.experiment_id,
            _experiments.c.artifact_location,
            points.scalar_subquery().label("points"),
        )
        .join(_experiments, _experiments.c.id == _runs.c.experiment_id)
        .where(_runs.c.id.in_(numbers), _runs.c.deleted == 1)
    ).fetchall()


def _delete_runs(tx: Transaction, numbers: list[int]) -> None:
    for table in schema.RUN_TABLES:
        tx.execute(table.delete().where(table.c.run.in_(numbers)))
    tx.execute(_runs.delete().where(_runs.c.id.in_(numbers)))


def _delete_model(tx: Transaction, number: int) -> None:
    for table in (schema.model_params, schema.model_tags):
        tx.execute(table.delete().where(table.c.model == number))
    tx.execute(_models.delete().where(_models.c.id == number))


def _delete_experiment(tx: Transaction, number: int) -> None:
    for table in (schema.experiment_tags, schema.fields, schema.datasets):
        tx.execute(table.delete().where(table.c.experiment_id == number))
    tx.execute(_experiments.delete().where(_experiments.c.id == number))
