"""One process tree is one run: how a child process learns of the run it belongs to.

While a run is active in the main thread, ``CHIPLOG_INHERITED_RUN`` names it to every process
started meanwhile. A child that records without a run of its own records into that one, and never
ends it.
"""

from __future__ import annotations

import os
from typing import Final

import msgspec

VARIABLE: Final = "CHIPLOG_INHERITED_RUN"


class InheritedRun(msgspec.Struct, frozen=True):
    """The run a parent process is in; ``pid`` is that process."""

    run_id: str
    experiment_id: str
    store_uri: str
    pid: int


def publish(run: InheritedRun) -> str | None:
    """Name ``run`` to the processes started from now on; hands back what stood there before."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = msgspec.json.encode(run).decode()
    return before


def restore(before: str | None) -> None:
    """Put back what :func:`publish` handed back."""
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before


def inherited() -> InheritedRun | None:
    """The run of an ancestor process, or None; a damaged variable counts as none."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        run = msgspec.json.decode(text, type=InheritedRun)
    except msgspec.DecodeError:
        return None
    return None if run.pid == os.getpid() else run
