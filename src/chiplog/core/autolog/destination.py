"""Where a session is recorded, if not in the active run or one of its own.

A watch's ``destination`` names it: the run of a logger that the user put into a trainer, or the run
of the checkpoint that a training starts from.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chiplog.core.entities import RunStatus
from chiplog.core.errors import ChiplogError
from chiplog.core.runs import active, exits, lifecycle
from chiplog.core.runs.inherit import InheritedRun, publish, restore
from chiplog.core.runs.reading import readable_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.entities import Run
    from chiplog.core.runs.active import OpenRun

_log = logging.getLogger("chiplog.autolog")


@dataclass(frozen=True)
class Destination:
    """A run that a session is to be recorded into. One of ``entry`` and ``run_id`` is given.

    Attributes:
        entry: a run that is open already and that somebody else ends. It is the thread's active one
            while the session lasts.
        run_id: an earlier run to go on with. It is reopened, and ended with the session; if that
            cannot be, a run is made as ever, and a line says so.
        store_uri: the store in which ``run_id`` was recorded.
    """

    entry: OpenRun | None = None
    run_id: str | None = None
    store_uri: str | None = None


def step_into(entry: OpenRun) -> None:
    """Make an open run the thread's active one, for a while."""
    active.local.stack.append(entry)
    active.refresh_fast()
    if threading.current_thread() is threading.main_thread() and not entry.published:
        entry.replaced = publish(InheritedRun.of(entry.run.info, entry.writer.store_uri))
        entry.published = True


def step_out(entry: OpenRun, stack: list[OpenRun]) -> None:
    """Undo :func:`step_into`; ``stack`` is the one of the thread on which that was done."""
    if entry.published:
        restore(entry.replaced)
        entry.published = False
    stack[:] = [known for known in stack if known is not entry]
    active.refresh_fast()


def reopen(wanted: Destination, tags: Mapping[str, str]) -> OpenRun | None:
    """Resume an earlier run as the thread's active one; None, and a line, if that cannot be."""
    assert wanted.run_id is not None
    try:
        why = _why_not(wanted)
        if why is None:
            lifecycle.start_run(run_id=wanted.run_id, tags=tags)
            return active.local.stack[-1]
    except ChiplogError as error:
        why = str(error).partition("\n")[0]
    _log.warning(
        "The training goes on from a checkpoint of run %s, but is recorded in a run of its own: %s",
        wanted.run_id,
        why,
    )
    return None


def _why_not(wanted: Destination) -> str | None:
    uri = active.store_uri()
    if wanted.store_uri is not None and wanted.store_uri != uri:
        return "that run is kept in another store."
    run: Run = readable_store(uri).get_run(wanted.run_id or "")
    if not RunStatus.is_terminated(run.info.status):
        return "that run is still being recorded."
    return None


def show(entry: OpenRun) -> None:
    """Let a run that is on no stack end with the process at the latest, telling how that ended."""
    if entry not in active.owned_runs:
        active.owned_runs.append(entry)
        exits.watch()
