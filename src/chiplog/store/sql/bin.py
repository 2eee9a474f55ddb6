"""The bin: what lies in it, and how it is taken out for good."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from chiplog.core.entities import LoggedModelStatus
from chiplog.core.errors import InvalidValue
from chiplog.store.sql import schema
from chiplog.store.sql.experiments import get_row
from chiplog.store.sql.prepared import Among, insert
from chiplog.store.sql.runs import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chiplog.store.sql.conditions import Condition
    from chiplog.store.sql.engine import AnyRow, AnySelect, Transaction
    from chiplog.store.sql.places import Places

_runs = schema.runs
_experiments = schema.experiments
_models = schema.models

_insert_garbage = insert(schema.garbage, "location")
_count_points = Among(
    lambda among: sa.select(sa.func.sum(schema.metrics.c["count"])).where(among),
    schema.metrics.c.run,
)


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

    def add(self, other: Freed) -> None:
        """Count what another one has, too."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


class Found(NamedTuple):
    """The integer keys of what lies in the bin."""

    experiments: list[int]
    runs: list[int]
    models: list[int]


def look(
    tx: Transaction,
    until: int | None,
    run_ids: Iterable[str] | None,
    experiment_ids: Iterable[str] | None,
) -> Found:
    """What was deleted ``until`` then, or of what was deleted that which is named."""
    models: list[int] = []
    if run_ids is None and experiment_ids is None:
        experiments = _numbers(tx, _experiments, _in_bin(_experiments, until))
        runs = _numbers(tx, _runs, _in_bin(_runs, until))
        models += _numbers(tx, _models, _model_in_bin(until))
    else:
        experiments = [
            _deleted(get_row(tx, id_), "experiment", id_) for id_ in experiment_ids or ()
        ]
        runs = [_deleted(find(tx, run_id), "run", run_id) for run_id in run_ids or ()]
    for experiment in experiments:
        runs += _numbers(tx, _runs, _runs.c.experiment_id == experiment)
        models += _numbers(tx, _models, _models.c.experiment_id == experiment)
    return Found(experiments, list(dict.fromkeys(runs)), list(dict.fromkeys(models)))


def _numbers(tx: Transaction, table: sa.Table, condition: Condition) -> list[int]:
    return list(tx.execute(sa.select(table.c.id).where(condition)).scalars())


def _deleted(row: AnyRow, what: str, public_id: str) -> int:
    if not row.deleted:
        raise InvalidValue(
            f"The {what} {public_id!r} is not deleted, so it is no garbage. Delete it first."
        )
    return int(row.id)


def _in_bin(table: sa.Table, until: int | None) -> Condition:
    deleted: Condition = table.c.deleted == 1
    return deleted if until is None else sa.and_(deleted, table.c.deleted_time <= until)


def _model_in_bin(until: int | None) -> Condition:
    deleted: Condition = _models.c.status == LoggedModelStatus.DELETED
    return deleted if until is None else sa.and_(deleted, _models.c.last_updated_timestamp <= until)


@dataclass
class Removal:
    """What one transaction takes out of the bin.

    Everything is looked at once more and locked: what was restored in the meantime stays.
    """

    tx: Transaction
    places: Places
    until: int | None
    freed: Freed = field(default_factory=Freed)
    locations: list[str] = field(default_factory=list)
    _runs: list[int] = field(default_factory=list)
    _models: list[int] = field(default_factory=list)
    _experiments: list[int] = field(default_factory=list)

    def add_runs(self, numbers: Sequence[int]) -> None:
        """Take runs, if they or their experiment are still in the bin."""
        in_bin = sa.or_(_in_bin(_runs, self.until), _in_bin(_experiments, self.until))
        for row in self._rows(_runs, numbers, in_bin):
            uri = self.places.run(row.experiment_id, row.experiment_location, row.run_id)
            # A run's folder is the parent of its artifacts; both go.
            self.locations.append(uri.removesuffix("/artifacts"))
            self._runs.append(row.id)
            self.freed.runs += 1
        counted = self.tx.among(_count_points, self._runs)
        self.freed.points = sum(int(count or 0) for (count,) in counted)

    def add_models(self, numbers: Sequence[int]) -> None:
        """Take logged models, if they or their experiment are still in the bin."""
        in_bin = sa.or_(_model_in_bin(self.until), _in_bin(_experiments, self.until))
        for row in self._rows(_models, numbers, in_bin):
            default = self.places.model(row.experiment_id, row.experiment_location, row.model_id)
            uri = row.artifact_location or default
            self.locations.append(uri.removesuffix("/artifacts"))
            self._models.append(row.id)
            self.freed.models += 1

    def add_experiment(self, number: int) -> bool:
        """Take an experiment without its runs and models; False if it left the bin."""
        query = sa.select(_experiments).where(
            _experiments.c.id == number, _in_bin(_experiments, self.until)
        )
        row = self.tx.execute(query.with_for_update()).first()
        if row is None:
            return False
        if row.artifact_location is None:  # a place of the user's own is not ours to remove
            self.locations.append(self.places.experiment(number, None))
        self._experiments.append(number)
        self.freed.experiments += 1
        return True

    def add_rest(self, number: int) -> None:
        """Take what has come to an experiment since it was looked at."""
        self.add_runs(_numbers(self.tx, _runs, _runs.c.experiment_id == number))
        self.add_models(_numbers(self.tx, _models, _models.c.experiment_id == number))

    def _rows(
        self, table: sa.Table, numbers: Sequence[int], condition: Condition
    ) -> Iterable[AnyRow]:
        location = _experiments.c.artifact_location.label("experiment_location")
        query: AnySelect = sa.select(table, location).join(
            _experiments, _experiments.c.id == table.c.experiment_id
        )
        for at in range(0, len(numbers), 500):
            some = table.c.id.in_(numbers[at : at + 500])
            yield from self.tx.execute(query.where(some, condition).with_for_update())

    def carry_out(self) -> None:
        """Delete the rows, and note where their files lie."""
        notes = [(self.places.relative(location),) for location in self.locations]
        self.tx.many(_insert_garbage, notes)
        for table in schema.RUN_TABLES:
            self._delete(table.c.run, self._runs)
        self._delete(_runs.c.id, self._runs)
        for table in (schema.model_params, schema.model_tags):
            self._delete(table.c.model, self._models)
        self._delete(_models.c.id, self._models)
        for table in (schema.experiment_tags, schema.fields, schema.datasets):
            self._delete(table.c.experiment_id, self._experiments)
        self._delete(_experiments.c.id, self._experiments)

    def _delete(self, column: sa.Column[Any], numbers: Sequence[int]) -> None:
        for at in range(0, len(numbers), 500):
            condition = column.in_(numbers[at : at + 500])
            self.tx.execute(sa.delete(column.table).where(condition))
