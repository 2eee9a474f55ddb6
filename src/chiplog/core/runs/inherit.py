"""One process tree is one run: how a child process learns of the run it belongs to.

While a run is active in the main thread, ``CHIPLOG_INHERITED_RUN`` names it to every process
started meanwhile. A child that records without a run of its own records into that one, and never
ends it.
"""

from __future__ import annotations

import os
from typing import Final

import msgspec

from chiplog.core.entities import RunInfo
from chiplog.core.records import RunStarted

VARIABLE: Final = "CHIPLOG_INHERITED_RUN"


class InheritedRun(msgspec.Struct, frozen=True):
    """The run a parent process is in, with what a child needs to record into it unseen.

    ``pid`` is the parent process. ``is_theirs``: it ends when that process says so; otherwise it is
    another rank's, which may have ended it while this one goes on. ``started`` are the runs that
    process was asked for so far, in order.
    """

    run_id: str
    experiment_id: str
    store_uri: str
    pid: int
    user_id: str = "unknown"
    start_time: int = 0
    name: str = ""
    artifact_uri: str | None = None
    is_theirs: bool = True
    started: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        info: RunInfo,
        store_uri: str,
        *,
        is_theirs: bool = True,
        started: tuple[str, ...] = (),
    ) -> InheritedRun:
        """A run of this process, for its children."""
        return cls(
            info.run_id,
            info.experiment_id,
            store_uri,
            os.getpid(),
            info.user_id,
            info.start_time,
            info.run_name or "",
            info.artifact_uri,
            is_theirs,
            started,
        )

    def info(self) -> RunInfo:
        """What the run is, without asking its store."""
        return RunInfo(
            self.run_id,
            self.experiment_id,
            self.user_id,
            "RUNNING",
            self.start_time,
            artifact_uri=self.artifact_uri,
            run_name=self.name,
        )


def introduction(info: RunInfo) -> RunStarted:
    """What a child's journal says of an inherited run before it records into it.

    The journals of a process tree are delivered in any order, so a child's may come first. A store
    that knows the run takes nothing from this.
    """
    return RunStarted(
        info.run_id,
        experiment_id=info.experiment_id,
        user_id=info.user_id,
        start_time=info.start_time,
        name=info.run_name or "",
        owned=False,
    )


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
