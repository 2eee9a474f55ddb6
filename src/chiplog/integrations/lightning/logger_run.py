"""The run behind a logger: made when it is first recorded into, in whatever process that is."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from chiplog.core import experiments
from chiplog.core.autolog.destination import show
from chiplog.core.client import ChiplogClient
from chiplog.core.context import collect_late_context, run_context_tags
from chiplog.core.entities import LifecycleStage, RunInfo, RunStatus
from chiplog.core.errors import ChiplogError, InvalidValue, NotFound
from chiplog.core.location import normalise
from chiplog.core.records import NAMED, RunUpdated
from chiplog.core.runs import active, exits, lifecycle
from chiplog.core.runs.active import ActiveRun, OpenRun
from chiplog.core.runs.beginning import begin_run
from chiplog.core.runs.failure import record_failure
from chiplog.core.runs.names import new_run_id
from chiplog.core.runs.reading import readable_store
from chiplog.core.tags import EXIT_REASON, RUN_NAME
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.runs.writer import RunWriter
    from chiplog.integrations.lightning.resuming import Origin

_log = logging.getLogger("chiplog.lightning")


class LoggerRun:
    """A run by the wishes of whoever made the logger. Pickles; a copy leads to the same run.

    Attributes:
        run_id: its id, known before it begins.
        is_given: the user named a run to go on with.
    """

    def __init__(
        self,
        tracking_uri: str | None,
        experiment_name: str | None,
        run_name: str | None,
        tags: Mapping[str, Any] | None,
        artifact_location: str | None,
        run_id: str | None,
    ) -> None:
        self.is_given = run_id is not None
        self.run_id = run_id or new_run_id()
        self._uri = normalise(str(tracking_uri)) if tracking_uri else None
        self._experiment_name = experiment_name
        self._run_name = run_name
        self._tags = dict(tags or {})
        self._artifact_location = artifact_location
        self._may_exist = self.is_given
        self._entry: OpenRun | None = None
        self._is_ours = False

    @property
    def store_uri(self) -> str:
        """The tracking store it is, or will be, recorded in."""
        if self._entry is not None:
            return self._entry.writer.store_uri
        return self._uri or active.store_uri()

    @property
    def is_open(self) -> bool:
        """Whether it has begun in this process and has not ended."""
        return self._entry is not None

    @property
    def has_begun(self) -> bool:
        """Whether it has begun, here or elsewhere."""
        return self._entry is not None or self._may_exist

    @property
    def writer(self) -> RunWriter:
        """Its pen; the run begins, or goes on, if it has to."""
        return self.open().writer

    def go_on_with(self, origin: Origin | None) -> None:
        """Take the run of a checkpoint instead of a new one, unless this one has begun."""
        if origin is None or self.has_begun or origin.run_id == self.run_id:
            return
        why: str | None
        if origin.store_uri != self.store_uri or self._joins() is not None:
            why = "it is kept in another store, or another run is active"
        else:
            why = self._why_not(origin.run_id)
        if why is None:
            self.run_id, self._may_exist = origin.run_id, True
            return
        _log.warning(
            "The training goes on from a checkpoint of run %s, but is recorded in a run of its "
            "own: %s.",
            origin.run_id,
            why,
        )

    def _why_not(self, run_id: str) -> str | None:
        try:
            run = readable_store(self.store_uri).get_run(run_id)
        except ChiplogError as error:
            return str(error).partition("\n")[0]
        if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
            return "it is deleted"
        if not RunStatus.is_terminated(run.info.status):
            return "it is still being recorded"
        return None

    def open(self) -> OpenRun:
        """The run, begun or gone on with if need be."""
        if self._entry is None or not self._still_open():
            self._entry = self._found() or self._resumed() or self._begun()
            self.run_id = self._entry.run.info.run_id
            self._may_exist = True
        return self._entry

    def _still_open(self) -> bool:
        """Whether nobody has ended it, such as the user the run that it joined."""
        entry = self._entry
        if entry is None:
            return False
        return not entry.owned or any(known is entry for known in active.owned_runs)

    def _found(self) -> OpenRun | None:
        """The run the program is in, if the logger names no other."""
        current = active.current()
        if current is None:
            return None
        if current.run.info.run_id == self.run_id or self._joins() is current:
            self._is_ours = False
            return current
        return None

    def _joins(self) -> OpenRun | None:
        """The active run, if nothing that the user asked for speaks against it."""
        named = self._experiment_name or self._run_name or self._artifact_location or self._uri
        return None if named or self._may_exist else active.current()

    def _resumed(self) -> OpenRun | None:
        if not self._may_exist:
            return None
        uri = self.store_uri
        try:
            run = readable_store(uri).get_run(self.run_id)
        except NotFound:
            if self.is_given:
                raise
            return None
        if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
            raise InvalidValue(
                f"The run {self.run_id!r} cannot be gone on with: it is deleted. "
                f"restore_run({self.run_id!r}) brings it back."
            )
        writer = active.pen_of_resumed(run, uri)
        writer.record(RunUpdated(self.run_id, status="RUNNING", owned=True))
        if self._run_name:
            writer.set_tags({RUN_NAME: self._run_name})
        if self._tags:
            writer.set_tags(self._tags)
        info = RunInfo(**dict(run.info))
        info.status = "RUNNING"
        started = ActiveRun(info, run.data, run.inputs, run.outputs)
        return self._shown(OpenRun(started, writer, owned=True, stored=True))

    def _begun(self) -> OpenRun:
        uri = self.store_uri
        wanted = self._experiment_id(uri)
        experiment = experiments.for_new_run(uri, wanted)
        tags = {key: str(value) for key, value in self._tags.items()}
        if self._run_name:
            tags[RUN_NAME] = self._run_name
        entry = begin_run(
            uri,
            experiment.experiment_id,
            experiment.artifact_location,
            run_context_tags(tags),
            run_id=self.run_id,
        )
        collect_late_context(entry.writer)
        return self._shown(entry)

    def _shown(self, entry: OpenRun) -> OpenRun:
        self._is_ours = True
        show(entry)
        plugins().hook.chiplog_run_started(run=entry.run)
        return entry

    def _experiment_id(self, uri: str) -> str | None:
        """The experiment to begin in, as :func:`experiments.for_new_run` takes it."""
        name = self._experiment_name
        if name is None:
            return None
        if self._artifact_location is not None:
            client = ChiplogClient(uri)
            if client.get_experiment_by_name(name) is None:
                client.create_experiment(name, artifact_location=self._artifact_location)
        return NAMED + name

    @property
    def experiment_id(self) -> str:
        """The experiment it is in; made if need be, without beginning the run."""
        if self._entry is not None:
            return self._entry.run.info.experiment_id
        uri = self.store_uri
        joined = self._joins()
        if joined is not None:
            return joined.run.info.experiment_id
        if self._may_exist:
            with contextlib.suppress(NotFound):  # reserved, and not begun anywhere
                return str(readable_store(uri).get_run(self.run_id).info.experiment_id)
        return str(experiments.for_new_run(uri, self._experiment_id(uri)).experiment_id)

    def end(self, status: str, error: BaseException | None) -> None:
        """End the run if it is this logger's own; it goes on with whatever is recorded next."""
        entry, self._entry = self._entry, None
        if entry is None or not self._is_ours or all(one is not entry for one in active.owned_runs):
            return
        if error is not None and exits.stands_for_sigterm(error):
            status = "KILLED"
            entry.writer.set_tags({EXIT_REASON: "SIGTERM"})
        elif isinstance(error, SystemExit):
            _, reason = exits.outcome_of(error)
            if reason:
                entry.writer.set_tags({EXIT_REASON: reason})
        elif error is not None:
            record_failure(entry.writer, error)
        lifecycle.finish([entry], status, wait=False)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: it finds the run, or begins it under the id reserved."""
        uri = self.store_uri
        self._may_exist = True  # the copy may begin it before this one does
        return {**self.__dict__, "_entry": None, "_is_ours": False, "_uri": self._uri or uri}
