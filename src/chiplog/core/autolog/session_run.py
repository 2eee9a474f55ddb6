"""The run a session records into: the user's own, or one made for it.

The first training call inside a run of the user's is recorded on that run itself, which is not
ended and gets no tags of autologging's. Each further call becomes a child run, so nothing of it is
lost. In a process that inherited its run every call is a child, since siblings may train too.
Without a run of the user's, one is created, is active while training, and ends with it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import receipt as receipts
from chiplog.core.autolog.config import AUTOLOGGING_TAG
from chiplog.core.autolog.destination import reopen, step_into, step_out
from chiplog.core.context import run_context_tags
from chiplog.core.entities import Run, RunInfo
from chiplog.core.errors import StoreUnavailable
from chiplog.core.records import RunUpdated, TagDeleted
from chiplog.core.runs import active, exits, lifecycle
from chiplog.core.runs.beginning import begin_run
from chiplog.core.runs.failure import record_failure
from chiplog.core.runs.reading import readable_store
from chiplog.core.tags import EXIT_REASON, PARENT_RUN_ID
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chiplog.core.autolog.config import AutologConfig
    from chiplog.core.autolog.destination import Destination
    from chiplog.core.autolog.weakmap import WeakIdMap
    from chiplog.core.runs.active import OpenRun

DOCUMENTS_KEPT: Final = 64

_claimed: set[str] = set()
_documents: dict[str, receipts.ReceiptDocument] = {}


def _document_of(run_id: str) -> receipts.ReceiptDocument:
    """The receipt of a run: one, whoever records into it in this process."""
    document = _documents.get(run_id)
    if document is None:
        document = _documents[run_id] = receipts.ReceiptDocument()
        while len(_documents) > DOCUMENTS_KEPT:
            _documents.pop(next(iter(_documents)))
    return document


class SessionRun:
    """A run that autologging records into, during its session and afterwards.

    Attributes:
        writer: the run's pen. Good to use after the run has ended, too.
        tag: what the tag ``mlflow.autologging`` says of runs that autologging makes for it.
        created: whether the run was made for the session.
        parent_id: the run it is a child of.
        document: the receipt of the run's sessions.
        memory: what the integration wants to remember of the run. Small things only.
        cause: what ended the training, where the framework made another exception of it.
        killed_by: the signal that ended the training, where the framework outlived it.
    """

    def __init__(
        self,
        entry: OpenRun,
        trained: WeakIdMap[SessionRun],
        *,
        tag: str,
        created: bool,
        parent_id: str | None,
    ) -> None:
        self.writer = entry.writer
        self.tag = tag
        self.created = created
        self.parent_id = parent_id
        self.document = _document_of(entry.writer.run_id)
        self.memory: dict[str, Any] = {}
        self.cause: BaseException | None = None
        self.killed_by: str | None = None
        self._visited: OpenRun | None = None
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

    def child_tags(self, tags: Mapping[str, str] | None = None) -> dict[str, str]:
        """The tags of a child run of this one that autologging makes."""
        return {
            PARENT_RUN_ID: self.writer.run_id,
            AUTOLOGGING_TAG: self.tag,
            **(tags or {}),
        }

    def end(self, error: BaseException | None) -> None:
        """End the run if it was created, telling of the exception that ended the training."""
        entry, self._entry = self._entry, None
        self._leave()
        if not self.created or (entry is not None and not _take_off(entry, self._stack)):
            return  # the user's, or ended by the user meanwhile
        error = self.cause or error
        status, reason = exits.outcome_of(error)
        if self.killed_by is not None:
            status, reason = "KILLED", self.killed_by
        if error is not None and status == "FAILED" and not isinstance(error, SystemExit):
            record_failure(self.writer, error)
        elif reason is not None:
            self.writer.set_tags({EXIT_REASON: reason})
        if entry is not None:
            lifecycle.finish([entry], status, wait=False)
        else:
            end_time = time.time_ns() // 1_000_000
            self.writer.end(status, end_time)
            info = RunInfo(**dict(self._run.info))
            info.status, info.end_time = status, end_time
            run = Run(info, self._run.data, self._run.inputs, self._run.outputs)
            plugins().hook.chiplog_run_ended(run=run)

    def spans_no_call(
        self,
        ending: Callable[[], object],
        parent_ending: Callable[[], object],
        end: Callable[[], object],
    ) -> None:
        """Say that the session goes on until something ends it. Trainings meanwhile are children.

        ``ending`` is called when the run is about to end, ``parent_ending`` when the user's run is
        that it is a child of. ``end`` is to end the session: the user starts a run while this one,
        which was made for the session, is the active one.
        """
        entry = self._entry
        if entry is None:
            return
        entry.closers.append(ending)
        if not self.created:
            return
        _claimed.add(self.writer.run_id)
        if self.parent_id is None:
            entry.makes_way = end
        for known in active.owned_runs:
            if known.run.info.run_id == self.parent_id:
                known.closers.append(parent_ending)

    def step_aside(self) -> None:
        """Take a run that was created off this thread's stack; it stays open until it is ended."""
        if self.created and self._entry is not None:
            self._entry.is_over = True
        if self.created and self._entry in self._stack:
            self._stack.remove(self._entry)
            active.refresh_fast()

    def free_children_since(self, moment: int) -> None:
        """Let trainings that began at ``moment`` (ms) or later stand by themselves.

        A loop's run stays open until the program shows that the loop is over: what was trained
        after its last step is no part of it.
        """
        for child in self._entry.children if self._entry is not None else ():
            info = child.run.info
            if info.start_time >= moment:
                child.writer.record(TagDeleted(info.run_id, key=PARENT_RUN_ID))

    @property
    def ends_with_the_program(self) -> bool:
        """Whether it is an open run, which ends with the program whatever else happens."""
        return self._entry is not None

    def let_go(self) -> None:
        """Leave a run that could not be ended, so that nothing else is recorded into it."""
        entry, self._entry = self._entry, None
        self._leave()
        if self.created and entry is not None:
            _take_off(entry, self._stack)

    def visit(self) -> None:
        """Make a run that somebody else opened and ends the thread's active one meanwhile."""
        if self._entry is not None and all(known is not self._entry for known in self._stack):
            self._visited = self._entry
            step_into(self._entry)

    def _leave(self) -> None:
        visited, self._visited = self._visited, None
        if visited is not None:
            step_out(visited, self._stack)

    def remember_earlier(self) -> None:
        """Go on with the receipts that an earlier process, or session, left with the run."""
        store = readable_store(self.writer.store_uri)
        body = store.get_document(self.writer.run_id, receipts.DOCUMENT)
        if body is not None and not self.document.sessions:
            self.document.sessions += receipts.decode(body).sessions

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


def open_run(
    tag: str,
    config: AutologConfig,
    trained: WeakIdMap[SessionRun],
    into: Destination | None = None,
) -> SessionRun:
    """The run for a session that begins now on this thread: ``into``, if that is to be had."""
    current = users_run()
    tags = {**(config.extra_tags or {}), AUTOLOGGING_TAG: tag}
    if into is not None:
        named = _named(into, current, tag, tags, trained)
        if named is not None:
            return named
    if current is not None and _claim(current):
        return SessionRun(current, trained, tag=tag, created=False, parent_id=None)
    if current is None:
        lifecycle.start_unasked(tags)
        entry, parent_id = active.local.stack[-1], None
    else:
        entry, parent_id = _start_child(current, tags), current.run.info.run_id
    try:
        return SessionRun(entry, trained, tag=tag, created=True, parent_id=parent_id)
    except BaseException:
        if _take_off(entry, active.local.stack):
            lifecycle.finish([entry], "FAILED", wait=False)
        raise


def _named(
    into: Destination,
    current: OpenRun | None,
    tag: str,
    tags: dict[str, str],
    trained: WeakIdMap[SessionRun],
) -> SessionRun | None:
    """The run that a watch named; None if it cannot be recorded into, or the user's goes first."""
    created, entry = False, into.entry
    if entry is None:
        if current is None:
            created, entry = True, reopen(into, tags)
        elif current.run.info.run_id == into.run_id:
            entry = current
    if entry is None:
        return None
    run = SessionRun(entry, trained, tag=tag, created=created, parent_id=None)
    _claimed.add(run.writer.run_id)
    if into.entry is None or entry.stored:
        run.remember_earlier()
    if not created:
        run.visit()
    return run


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
    try:
        root = (info.artifact_uri or parent.writer.artifact_uri).rsplit("/", 2)[0]
    except StoreUnavailable:
        root = None
    everything = run_context_tags({**tags, PARENT_RUN_ID: info.run_id})
    entry = begin_run(parent.writer.store_uri, info.experiment_id, root, everything)
    if parent.makes_way is not None:
        parent.children.append(entry)
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
