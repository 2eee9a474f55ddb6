"""Trainings that a strategy runs in processes of its own, such as ``ddp_spawn``.

The process that called ``fit`` holds the session and waits. The first of the processes it starts
records into the session's run, and leaves its receipt with the run for the waiting one to take.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Final

import msgspec

from chiplog.core.autolog.receipt import Receipt
from chiplog.core.autolog.session import TrainingSession
from chiplog.core.autolog.session_run import SessionRun
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.core.runs import active
from chiplog.core.runs.inherit import VARIABLE, InheritedRun
from chiplog.core.runs.reading import readable_store

if TYPE_CHECKING:
    from chiplog.integrations.lightning.config import LightningConfig
    from chiplog.integrations.lightning.content import Content

DOCUMENT: Final = "lightning-process"
_SECONDS: Final = 30.0


def ticket(session: TrainingSession) -> InheritedRun:
    """What a process needs to record into this session's run."""
    writer = session.writer
    return InheritedRun(
        writer.run_id,
        writer.experiment_id,
        writer.store_uri,
        os.getpid(),
        artifact_uri=writer.artifact_uri,
    )


def join(ticket: InheritedRun, options: LightningConfig) -> TrainingSession:
    """A session in this process on the run of the one that started it."""
    os.environ.setdefault(VARIABLE, msgspec.json.encode(ticket).decode())
    entry = active.current()
    if entry is None or entry.run.info.run_id != ticket.run_id:
        raise RuntimeError(f"the run {ticket.run_id} of the parent process cannot be joined")
    run = SessionRun(entry, WeakIdMap(), tag="pytorch", created=False, parent_id=None)
    receipt = Receipt("lightning")
    run.document.sessions.append(receipt)
    return TrainingSession("lightning", options, run, receipt)


def content(wanted: Content) -> Content:
    """What a process that was started records: the model is left to the one that waits."""
    return dataclasses.replace(wanted, model=False)


def leave(session: TrainingSession) -> None:
    """Hand the receipt over, and deliver what was recorded before the process ends."""
    session.budget.fill(session.receipt)
    session.writer.attach(DOCUMENT, msgspec.json.encode(session.receipt))
    from chiplog.core import background

    background.flush(_SECONDS)
    session.writer.flush(_SECONDS)


def merge(session: TrainingSession) -> None:
    """Take over what a process that has ended told of its part."""
    if not session.run.memory.pop(DOCUMENT, False):
        return
    body = readable_store(session.writer.store_uri).get_document(session.run_id, DOCUMENT)
    if body is None:
        session.degraded("training in processes of its own", "nothing was heard of the first one")
        return
    theirs = msgspec.json.decode(body, type=Receipt)
    mine = session.receipt
    mine.captured += theirs.captured
    mine.skipped += theirs.skipped
    mine.degraded += theirs.degraded
    mine.during_ms += theirs.during_ms
