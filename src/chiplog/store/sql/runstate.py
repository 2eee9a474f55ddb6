"""The runs that a batch speaks of: what the database knows, and what the records change."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

import sqlalchemy as sa

from chiplog.core import records
from chiplog.core.entities import Experiment, RunStatus
from chiplog.core.records import Refused
from chiplog.core.tags import RUN_NAME
from chiplog.store.sql import experiments, schema
from chiplog.store.sql.inputs import INPUT, OUTPUT
from chiplog.store.sql.prepared import Among, Prepared
from chiplog.store.sql.texts import join

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from chiplog.core.entities import DatasetInput
    from chiplog.store.sql.engine import Transaction

_columns = (
    "id",
    "run_id",
    "experiment_id",
    "name",
    "status",
    "end_time",
    "deleted",
)
_select_runs = Among(
    lambda among: (
        sa.select(*(schema.runs.c[name] for name in _columns))
        .where(among)
        .order_by(schema.runs.c.id)  # everyone locks in the same order
        .with_for_update()
    ),
    schema.runs.c.run_id,
)
_select_params = Prepared(
    sa.select(schema.fields.c.name, schema.params.c.head, schema.params.c.tail)
    .join(schema.fields, schema.fields.c.id == schema.params.c.field)
    .where(schema.params.c.run == sa.bindparam("run")),
    ("run",),
)


class RunState:
    """A run while a batch is applied."""

    __slots__ = (
        "changed",
        "datasets",
        "deleted",
        "documents",
        "end_time",
        "experiment",
        "known_params",
        "metrics",
        "models",
        "name",
        "new",
        "number",
        "owned",
        "params",
        "run_id",
        "start_time",
        "status",
        "tags",
        "user_id",
    )

    def __init__(self, run_id: str, experiment: int, name: str, status: str) -> None:
        self.run_id = run_id
        self.experiment = experiment
        self.name = name
        self.status = status
        self.number = 0  # the integer key; 0 until a new run is written
        self.new = False
        self.changed = False
        self.deleted = False
        self.user_id = ""
        self.start_time = 0
        self.end_time: int | None = None
        self.owned: bool | None = None
        self.known_params: dict[str, str] | None = None
        self.params: dict[str, str] = {}
        self.tags: dict[str, str | None] = {}
        self.metrics: Mapping[str, float] = {}
        self.datasets: list[DatasetInput] = []
        self.models: list[tuple[str, str, int]] = []
        self.documents: dict[str, bytes] = {}


class RunStates:
    """The states of a batch's runs, by id; :meth:`take` is told the records one by one."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._experiments: dict[str, tuple[int, bool] | None] = {}
        self.by_id: dict[str, RunState] = {}
        self.refused: list[Refused] = []

    def load(self, run_ids: Collection[str]) -> None:
        """Read what the database knows of these runs, and keep others from changing it."""
        for row in self._tx.among(_select_runs, run_ids):
            number, run_id, experiment, name, status, end_time, deleted = row
            state = RunState(run_id, experiment, name, status)
            state.number = number
            state.end_time = end_time
            state.deleted = bool(deleted)
            self.by_id[run_id] = state

    def ended(self, *, among_new: bool) -> list[int]:
        """The runs that a record of this batch has ended; those it began too only if asked."""
        return [
            state.number
            for state in self.by_id.values()
            if state.changed
            and RunStatus.is_terminated(state.status)
            and (among_new or not state.new)
        ]

    def accepts_points(self, points: records.SeriesPoints) -> bool:
        """Whether points can be written; if not, they are refused."""
        series = points.series
        return (
            self._open(series.run_id, f"{len(points)} points of metric {series.key!r}") is not None
        )

    def refuse(self, run_id: str, what: str, reason: str) -> None:
        """Leave something out."""
        self.refused.append(Refused(run_id, what, reason))

    def _open(self, run_id: str, what: str) -> RunState | None:
        """The state of a run that takes records; None, and a refusal, if there is none.

        A run in the bin because its experiment is there still takes them: nothing is lost if the
        experiment comes back.
        """
        state = self.by_id.get(run_id)
        if state is None:
            self.refuse(run_id, what, f"there is no run {run_id!r} in this store")
            return None
        if state.deleted and not self._experiment_deleted(state.experiment):
            self.refuse(run_id, what, f"the run {run_id!r} is deleted; restore it first")
            return None
        return state

    def _experiment_deleted(self, experiment: int) -> bool:
        found = self._experiment(str(experiment))
        return found is not None and found[1]

    def _experiment(self, experiment_id: str) -> tuple[int, bool] | None:
        """The number of an experiment and whether it is deleted."""
        if experiment_id not in self._experiments:
            self._experiments[experiment_id] = experiments.find(self._tx, experiment_id)
        return self._experiments[experiment_id]

    @singledispatchmethod
    def take(self, record: records.Record) -> None:
        """Let a record change its run's state."""
        self.refuse(record.run_id, type(record).__name__, "this store does not know such a record")

    @take.register
    def _(self, record: records.RunStarted) -> None:
        known = self.by_id.get(record.run_id)
        if known is not None:
            # A child process has introduced the run, or does so now: journals come in any order.
            if record.owned:
                known.tags = {**record.tags, **known.tags}
                if known.name:  # it may have been renamed in the meantime
                    known.tags[RUN_NAME] = known.name
                known.owned = True
                if record.name and not known.name:
                    known.name = record.name
                    known.changed = True
            return
        state = self._begin(record, "the start")
        if state:
            state.status = "RUNNING"
            state.owned = record.owned

    @take.register
    def _(self, record: records.RunRecorded) -> None:
        state = self._begin(record, "a whole run")
        if state:
            state.status = record.status
            state.end_time = record.end_time
            state.changed = True
            state.params = dict(record.params)
            state.metrics = record.metrics
            state.datasets = list(record.datasets)

    def _begin(
        self, record: records.RunStarted | records.RunRecorded, what: str
    ) -> RunState | None:
        if record.run_id in self.by_id:
            self.refuse(record.run_id, what, f"a run {record.run_id!r} exists already")
            return None
        experiment = self._experiment(record.experiment_id)
        if experiment is None:
            experiment = experiments.find_default(self._tx), False
            what = f"the experiment {record.experiment_id!r}"
            home = Experiment.DEFAULT_EXPERIMENT_NAME
            reason = f"this store has none of that id; the run is in {home!r} instead"
            self.refuse(record.run_id, what, reason)
        name = record.name or record.tags.get(RUN_NAME, "")
        state = RunState(record.run_id, experiment[0], name, "")
        state.new = True
        state.deleted = experiment[1]
        state.user_id = record.user_id
        state.start_time = record.start_time
        state.tags = dict(record.tags)
        if name:
            state.tags[RUN_NAME] = name
        self.by_id[record.run_id] = state
        return state

    @take.register
    def _(self, record: records.RunUpdated) -> None:
        state = self.by_id.get(record.run_id)
        if state is None:
            self.refuse(record.run_id, "a change of status", "there is no such run in this store")
            return
        state.changed = True
        if record.status is not None:
            state.status = record.status
        if record.end_time is not None:
            state.end_time = record.end_time
        if record.owned is not None:
            state.owned = record.owned
        if record.name is not None:
            state.name = record.name
            state.tags[RUN_NAME] = record.name

    @take.register
    def _(self, record: records.ParamsLogged) -> None:
        state = self._open(record.run_id, f"{len(record.params)} parameters")
        if state is None:
            return
        if state.known_params is None:
            state.known_params = {} if state.new else self._params(state.number)
        for key, value in record.params.items():
            known = state.params.get(key, state.known_params.get(key))
            if known is None:
                state.params[key] = value
            elif known != value:
                reason = f"it is {known!r} already and cannot become {value!r}"
                self.refuse(record.run_id, f"parameter {key!r}", reason)

    def _params(self, run: int) -> dict[str, str]:
        return {name: join(head, tail) for name, head, tail in self._tx.rows(_select_params, run)}

    @take.register
    def _(self, record: records.TagsSet) -> None:
        state = self._open(record.run_id, f"{len(record.tags)} tags")
        if state is None:
            return
        state.tags.update(record.tags)
        name = record.tags.get(RUN_NAME)
        if name is not None and name != state.name:
            state.name = name
            state.changed = True

    @take.register
    def _(self, record: records.TagDeleted) -> None:
        state = self._open(record.run_id, f"the removal of tag {record.key!r}")
        if state is None:
            return
        state.tags[record.key] = None
        if record.key == RUN_NAME:  # searches by name look at the tag
            state.name = ""
            state.changed = True

    @take.register
    def _(self, record: records.InputsLogged) -> None:
        state = self._open(record.run_id, "inputs")
        if state is not None:
            state.datasets += record.datasets
            state.models += [(INPUT, model.model_id, 0) for model in record.models]

    @take.register
    def _(self, record: records.OutputsLogged) -> None:
        state = self._open(record.run_id, "outputs")
        if state is not None:
            state.models += [(OUTPUT, model.model_id, model.step) for model in record.models]

    @take.register
    def _(self, record: records.DocumentAttached) -> None:
        state = self._open(record.run_id, f"the document {record.name!r}")
        if state is not None:
            state.documents[record.name] = record.body
