"""The run a session records into: the user's own, or one made for it.

The first training call inside a run of the user's is recorded on that run itself, which is not
ended and gets no tags of autologging's. Each further call becomes a child run, so nothing of it is
lost. In a process that inherited its run every call is a child, since siblings may train too.
Without a run of the user's, one is created, is active while training, and ends with it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import receipt as receipts
from chiplog.core.autolog.config import AUTOLOGGING_TAG
from chiplog.core.context import run_context_tags
from chiplog.core.entities import Run, RunData, RunInfo
from chiplog.core.records import RunStarted, RunUpdated
from chiplog.core.runs import active, exits, lifecycle
from chiplog.core.runs.active import ActiveRun, OpenRun
from chiplog.core.runs.failure import REASON_TAG, record_failure
from chiplog.core.runs.names import new_run_id, random_name
from chiplog.core.runs.reading import readable_store
from chiplog.core.runs.writer import RUN_NAME, RunWriter
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.autolog.config import AutologConfig
    from chiplog.core.autolog.weakmap import WeakIdMap

_claimed: set[str] = set()


class SessionRun:
    """A run that autologging records into, during its session and afterwards.

    Attributes:
        writer: the run's pen. Good to use after the run has ended, too.
        created: whether the run was made for the session.
        parent_id: the run it is a child of.
        document: the receipt of the run's sessions.
        memory: what the integration wants to remember of the run. Small things only.
    """

    def __init__(
        self,
        entry: OpenRun,
        trained: WeakIdMap[SessionRun],
        *,
        created: bool,
        parent_id: str | None,
    ) -> None:
        self.writer = entry.writer
        self.created = created
        self.parent_id = parent_id
        self.document = receipts.ReceiptDocument()
        self.memory: dict[str, Any] = {}
        self._entry: OpenRun | None = entry
        self._run = entry.run
        self._stack = active.local.stack  # of the thread it began on; another one may end it
        self._trained = trained

    def remember(self, trained: object) -> None:
        """Note that ``trained`` came out of this run; keeps no reference to it."""
        self._trained.set(trained, self)

    def attach_receipt(self) -> None:
        """Record the receipt as it stands."""
        self.writer.attach(receipts.DOCUMENT, receipts.encode(self.document))

    def child_tags(self, flavor: str, tags: Mapping[str, str] | None = None) -> dict[str, str]:
        """The tags of a child run of this one that autologging makes."""
        return {
            lifecycle.PARENT_RUN_ID: self.writer.run_id,
            AUTOLOGGING_TAG: flavor,
            **(tags or {}),
        }

    def end(self, error: BaseException | None) -> None:
        """End the run if it was created, telling of the exception that ended the training."""
        entry, self._entry = self._entry, None
        if not self.created or (entry is not None and not _take_off(entry, self._stack)):
            return  # the user's, or ended by the user meanwhile
        status, reason = exits.outcome_of(error)
        if error is not None and status == "FAILED" and not isinstance(error, SystemExit):
            record_failure(self.writer, error)
        elif reason is not None:
            self.writer.set_tags({REASON_TAG: reason})
        if entry is not None:
            lifecycle.finish([entry], status, wait=False)
        else:
            end_time = time.time_ns() // 1_000_000
            self.writer.end(status, end_time)
            info = RunInfo(**dict(self._run.info))
            info.status, info.end_time = status, end_time
            run = Run(info, self._run.data, self._run.inputs, self._run.outputs)
            plugins().hook.chiplog_run_ended(run=run)

    def let_go(self) -> None:
        """Leave a run that could not be ended, so that nothing else is recorded into it."""
        entry, self._entry = self._entry, None
        if self.created and entry is not None:
            _take_off(entry, self._stack)

    def resume(self) -> None:
        """Go on with a run that was created and has ended."""
        if self.created:
            self.writer.record(RunUpdated(self.writer.run_id, status="RUNNING", owned=True))
            plugins().hook.chiplog_run_started(run=self._run)

    def goes_on(self) -> bool:
        """Whether a training call made now, on this thread, may go on in this run."""
        current = active.current()
        now = current.run.info.run_id if current is not None else None
        if active.store_uri() != self.writer.store_uri:
            return False
        return now == (self.parent_id if self.created else self.writer.run_id)


def users_run() -> OpenRun | None:
    """The run the user has active on this thread, the one inherited from a parent included."""
    return active.current()


def open_run(flavor: str, config: AutologConfig, trained: WeakIdMap[SessionRun]) -> SessionRun:
    """The run for a session that begins now on this thread."""
    current = users_run()
    tags = {**(config.extra_tags or {}), AUTOLOGGING_TAG: flavor}
    if current is not None and _claim(current):
        return SessionRun(current, trained, created=False, parent_id=None)
    if current is None:
        lifecycle.start_run(tags=tags)
        entry, parent_id = active.local.stack[-1], None
    else:
        entry, parent_id = _start_child(current, tags), current.run.info.run_id
    try:
        return SessionRun(entry, trained, created=True, parent_id=parent_id)
    except BaseException:
        if _take_off(entry, active.local.stack):
            lifecycle.finish([entry], "FAILED", wait=False)
        raise


def _claim(entry: OpenRun) -> bool:
    """Whether a user's run has no training on it yet; it has from now on."""
    run_id = entry.run.info.run_id
    if run_id in _claimed or not entry.owned:
        return False
    _claimed.add(run_id)
    if not entry.stored:
        return True
    store = readable_store(entry.writer.store_uri)  # resumed: an earlier process may have trained
    body = store.get_document(run_id, receipts.DOCUMENT)
    return body is None or not receipts.decode(body).tells_of_an_end


def _start_child(parent: OpenRun, tags: dict[str, str]) -> OpenRun:
    """Start a child run that does not become the active one: what the user logs stays theirs."""
    info = parent.run.info
    run_id, name = new_run_id(), random_name()
    everything = run_context_tags({**tags, RUN_NAME: name, lifecycle.PARENT_RUN_ID: info.run_id})
    root = (info.artifact_uri or parent.writer.artifact_uri).rsplit("/", 2)[0]
    child = RunInfo(
        run_id,
        info.experiment_id,
        everything.get(lifecycle.USER, info.user_id),
        "RUNNING",
        time.time_ns() // 1_000_000,
        artifact_uri=f"{root}/{run_id}/artifacts",
        run_name=name,
    )
    writer = RunWriter(
        run_id,
        info.experiment_id,
        parent.writer.store_uri,
        artifact_uri=child.artifact_uri,
        params={},
    )
    writer.record(
        RunStarted(
            run_id,
            experiment_id=child.experiment_id,
            user_id=child.user_id,
            start_time=child.start_time,
            name=name,
            tags=everything,
        )
    )
    entry = OpenRun(ActiveRun(child, RunData(tags=everything)), writer)
    active.remember(writer)
    active.owned_runs.append(entry)
    exits.watch()
    plugins().hook.chiplog_run_started(run=entry.run)
    return entry


def _take_off(entry: OpenRun, stack: list[OpenRun]) -> bool:
    """Take a run of ours off this process's open runs; False if it is none of them any more."""
    if not any(known is entry for known in active.owned_runs):
        return False
    if any(known is entry for known in stack):
        stack[:] = [known for known in stack if known is not entry]
        active.local.last_run_id = entry.run.info.run_id
        active.refresh_fast()
    return True


def forget_claims() -> None:
    """Forget which runs have been trained in, as a forked child must not."""
    _claimed.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_claims)
