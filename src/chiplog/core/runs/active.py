"""Which run is active: one stack per thread, and the run inherited from a parent process."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chiplog.core.config import env
from chiplog.core.entities import LifecycleStage, Run, RunData, RunStatus
from chiplog.core.errors import InvalidValue, NotFound, StoreUnavailable
from chiplog.core.location import get_tracking_uri, is_tracking_uri_set
from chiplog.core.runs.inherit import InheritedRun, inherited, introduction
from chiplog.core.runs.reading import readable_store
from chiplog.core.runs.writer import RunWriter
from chiplog.core.stores import open_tracking_store
from chiplog.hooks.guard import quietly

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

_WRITERS_KEPT = 1024
_JOIN_WAIT_SECONDS = 1.0


class ActiveRun(Run):
    """A run that is being recorded, and a context manager that ends it.

    ``info`` and ``data`` are as they were when the run started.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from chiplog.core.runs.lifecycle import leave

        leave(self, error)


@dataclass(eq=False)
class OpenRun:
    """A run on a thread's stack.

    Attributes:
        owned: this process ends it; False for a run inherited from a parent process.
        published: this run stands in the environment for child processes, before it ``replaced``.
        stored: the store knew it before it was opened here: it is resumed.
        closers: called when the run ends, before its end is recorded.
        makes_way: ends this run when the user starts one: autologging opened it for a loop.
        takes_in: a training that begins meanwhile is recorded into it, as into a run of the user's.
        is_over: what it records has ended; it is being finished in the background.
        children: the runs of trainings that began meanwhile, where it was made for a loop.
    """

    run: ActiveRun
    writer: RunWriter
    owned: bool = True
    published: bool = False
    replaced: str | None = None
    stored: bool = False
    closers: list[Callable[[], object]] = field(default_factory=list)
    makes_way: Callable[[], object] | None = None
    takes_in: bool = False
    is_over: bool = False
    children: list[OpenRun] = field(default_factory=list)


class _Local(threading.local):
    """What belongs to one thread.

    ``fast`` is the writer to use when nothing special applies: the hot path's only question.
    """

    fast: RunWriter | None = None
    model_id: str | None = None
    model_id_known = False
    last_run_id: str | None = None
    last_model_id: str | None = None

    def __init__(self) -> None:
        self.stack: list[OpenRun] = []


local = _Local()
owned_runs: list[OpenRun] = []

_joined: OpenRun | None = None
_not_joined: str | None = None
_writers: OrderedDict[tuple[str, str], RunWriter] = OrderedDict()
_lock = threading.RLock()


def current_run() -> ActiveRun | None:
    """The innermost run of this thread, else the one inherited from a parent process."""
    found = current()
    return found.run if found else None


def current_writer() -> RunWriter | None:
    """The pen of the run that is current in this thread."""
    found = current()
    return found.writer if found else None


def current() -> OpenRun | None:
    """The innermost open run of this thread, else the inherited one."""
    if local.stack:
        return local.stack[-1]
    return _join()


def own_run() -> OpenRun | None:
    """The innermost run of this thread that this process started."""
    return next((entry for entry in reversed(local.stack) if entry.owned), None)


def make_way(*, for_training: bool = False) -> None:
    """End the run that autologging has open on this thread for a training loop, if there is one.

    ``for_training``: not one that takes trainings in.
    """
    while local.stack and (makes_way := local.stack[-1].makes_way) is not None:
        if for_training and local.stack[-1].takes_in:
            return
        local.stack[-1].makes_way = None
        quietly("Ending the run of a training loop", makes_way, None)


def refresh_fast() -> None:
    """Work out anew which writer this thread's hot path uses."""
    found = current()
    local.fast = found.writer if found and active_model_id() is None else None


def active_model_id() -> str | None:
    """The logged model that this thread's metrics belong to, if one was set."""
    if not local.model_id_known:
        local.model_id_known = True
        local.model_id = env("ACTIVE_MODEL_ID")
    return local.model_id


def set_active_model_id(model_id: str | None) -> None:
    """Choose the logged model that this thread's metrics belong to."""
    local.model_id_known = True
    local.model_id = model_id
    refresh_fast()


def store_uri() -> str:
    """The tracking URI in force; an inherited run's own unless another was set."""
    if not is_tracking_uri_set():
        parent = inherited()
        if parent is not None:
            return parent.store_uri
    return get_tracking_uri()


def writer_for(run_id: str, uri: str | None = None) -> RunWriter:
    """The pen of any run; raises NotFound, or InvalidValue if the run is deleted."""
    uri = uri or store_uri()
    entry = next((e for e in owned_runs if e.run.info.run_id == run_id), None)
    if entry is not None and entry.writer.store_uri == uri:
        return entry.writer
    with _lock:
        writer = _writers.get((uri, run_id))
        if writer is not None:
            _writers.move_to_end((uri, run_id))
            return writer
    run = readable_store(uri).get_run(run_id)
    if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise InvalidValue(
            f"The run {run_id!r} must be in the 'active' state to be recorded into; it is "
            f"{run.info.lifecycle_stage}. restore_run({run_id!r}) brings it back."
        )
    return remember(writer_of(run, uri))


def writer_of(run: Run, uri: str) -> RunWriter:
    """A new pen for a run that was just read."""
    return RunWriter(
        run.info.run_id,
        run.info.experiment_id,
        uri,
        artifact_uri=run.info.artifact_uri,
        params=run.data.params,
    )


def pen_of_resumed(run: Run, uri: str) -> RunWriter:
    """The pen of a run that is resumed: the one of an open run of that id, else a new one."""
    for entry in owned_runs:
        if entry.run.info.run_id == run.info.run_id and entry.writer.store_uri == uri:
            return entry.writer
    forget_writers(run.info.run_id)
    return remember(writer_of(run, uri))


def remember(writer: RunWriter) -> RunWriter:
    """Keep a pen for :func:`writer_for`, so that its checks and numbers are made once."""
    with _lock:
        kept = _writers.setdefault((writer.store_uri, writer.run_id), writer)
        while len(_writers) > _WRITERS_KEPT:
            _writers.popitem(last=False)
        return kept


def forget_writers(run_id: str | None = None) -> None:
    """Drop a run's kept pen, or all, so that the next use looks at the run's state again."""
    with _lock:
        for key in [key for key in _writers if run_id in {None, key[1]}]:
            del _writers[key]


def _join() -> OpenRun | None:
    """The run inherited from a parent process, joined once; None if there is none or it ended."""
    global _joined, _not_joined  # noqa: PLW0603 - one per process
    parent = inherited()
    if parent is None or parent.run_id == _not_joined:
        return None
    if _joined is not None and _joined.run.info.run_id == parent.run_id:
        return _joined
    if is_tracking_uri_set() and get_tracking_uri() != parent.store_uri:
        return None
    with _lock:
        run = quietly("Joining the run of the parent process", _read_inherited, None, parent)
        if run is not None and parent.is_theirs and RunStatus.is_terminated(run.info.status):
            _not_joined = parent.run_id
            return None
        _joined = _entry_of_inherited(parent, run)
        return _joined


def _entry_of_inherited(parent: InheritedRun, run: Run | None) -> OpenRun:
    """The inherited run, as its store has it, or as the parent told of it."""
    if run is not None:
        active_run = ActiveRun(run.info, run.data, run.inputs, run.outputs)
        return OpenRun(active_run, writer_of(run, parent.store_uri), owned=False)
    info = parent.info()
    writer = RunWriter(
        info.run_id, info.experiment_id, parent.store_uri, artifact_uri=info.artifact_uri, params={}
    )
    writer.introduce(introduction(info))
    return OpenRun(ActiveRun(info, RunData()), writer, owned=False)


def _read_inherited(parent: InheritedRun) -> Run | None:
    """Read the inherited run, waiting a little for the parent's journal to be delivered."""
    deadline = time.monotonic() + _JOIN_WAIT_SECONDS
    pause = 0.002
    while True:
        try:
            return open_tracking_store(parent.store_uri).get_run(parent.run_id)
        except (NotFound, StoreUnavailable):
            if time.monotonic() > deadline:
                return None
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def forget_inherited() -> None:
    """Forget the inherited run, and every pen that was kept."""
    global _joined, _not_joined  # noqa: PLW0603 - one per process
    _joined = _not_joined = None
    forget_writers()


def clear_thread() -> None:
    """Forget this thread's runs without ending them."""
    local.stack.clear()
    local.fast = None
    local.model_id = None
    local.model_id_known = False
    local.last_run_id = local.last_model_id = None


def _after_fork_in_child() -> None:
    """The parent's runs are inherited here: recorded into, never ended."""
    global _joined, _lock  # noqa: PLW0603 - one per process
    _lock = threading.RLock()
    _joined = None
    for entry in {*owned_runs, *local.stack}:
        entry.owned = False
        entry.closers.clear()
        entry.writer.after_fork(introduction(entry.run.info))
    owned_runs.clear()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
