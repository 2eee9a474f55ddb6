"""Starting, resuming and ending runs."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chiplog.core import experiments, validation
from chiplog.core.clock import now_ms
from chiplog.core.config import env_bool
from chiplog.core.context import collect_late_context, run_context_tags
from chiplog.core.entities import LifecycleStage, Run, RunData, RunInfo
from chiplog.core.errors import ChiplogError, InvalidValue, StoreUnavailable
from chiplog.core.records import RunUpdated
from chiplog.core.runs import active, exits, jobs, ranks
from chiplog.core.runs.active import ActiveRun, OpenRun, local
from chiplog.core.runs.beginning import begin_run
from chiplog.core.runs.draining import wait_until_delivered
from chiplog.core.runs.inherit import InheritedRun, inherited, publish, restore
from chiplog.core.runs.reading import readable_store
from chiplog.core.system_metrics.settings import is_system_metrics_logging_enabled
from chiplog.core.tags import DESCRIPTION, PARENT_RUN_ID, RUN_NAME
from chiplog.core.validation import check_status
from chiplog.hooks.guard import quiet, quietly
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.runs.writer import RunWriter

_RUN_ID_VARIABLES: Final = ("CHIPLOG_RUN_ID", "MLFLOW_RUN_ID")


@dataclass(frozen=True)
class _Wish:
    """What a caller of :func:`start_run` asked for, checked."""

    name: str | None
    tags: dict[str, str]
    log_system_metrics: bool | None


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run, or resume the one of ``run_id``; it is this thread's active run until it ends.

    Use it in a ``with`` statement, or call :func:`end_run`. Without ``run_id`` the variable
    ``MLFLOW_RUN_ID`` is looked at, and removed.

    Args:
        run_id: resume this run instead of starting one.
        experiment_id: the experiment to start it in; the active one unless given.
        run_name: a name for people; a random one unless given.
        nested: start it as a child of this thread's active run.
        parent_run_id: start it as a child of this run.
        tags: tags to set; their values become text.
        description: Markdown text about the run.
        log_system_metrics: whether to sample CPU, memory, disk, network and GPUs meanwhile.
    """
    if not nested and not parent_run_id:
        active.make_way()
    if (open_already := active.own_run()) is not None and not nested:
        raise Exception(  # noqa: TRY002 - MLflow raises a plain one
            f"Run with UUID {open_already.run.info.run_id} is already active. To start a new run, "
            "first end the current run with end_run(). To start a nested run, call start_run "
            "with nested=True"
        )
    wish = _Wish(run_name, _asked_tags(tags, run_name, description), log_system_metrics)
    jobs.is_asked()
    if run_id:
        entry = _resume(validation.check_run_id(run_id), wish)
    else:
        entry = _resume_as_asked(wish) or _start(experiment_id, parent_run_id, wish, asked=True)
    jobs.has_started(entry.run.info.run_id)
    _open(entry, wish)
    return entry.run


def start_unasked(tags: Mapping[str, str] | None = None) -> ActiveRun:
    """Start a run for what is recorded without one, or resume the one the environment asks for.

    The ranks of a distributed training may each come to this at other times, or not at all; those
    beside the first join rank 0's first such run.
    """
    active.make_way()
    wish = _Wish(None, dict(tags or {}), None)
    entry = _resume_as_asked(wish) or _start(None, None, wish, asked=False)
    _open(entry, wish)
    return entry.run


def end_run(status: str = "FINISHED") -> None:
    """End this thread's innermost run; does nothing if there is none."""
    if not local.stack:
        return
    for variable in _RUN_ID_VARIABLES:
        os.environ.pop(variable, None)
    entry = _pop()
    try:
        name = check_status(status)
    except BaseException:
        _close(entry)
        raise
    finish([entry], name)


def leave(run: ActiveRun, error: BaseException | None) -> None:
    """End ``run`` as its ``with`` block is left; nothing if it was ended inside.

    Runs that were started inside and left open end with it.
    """
    if not any(entry.run is run for entry in local.stack):
        return
    left: list[OpenRun] = []
    while not left or left[-1].run is not run:
        left.append(_pop())
    status, reason = exits.outcome_of(error)
    owned = [entry for entry in left if entry.owned]
    for entry in owned:
        if reason:
            quietly("Recording why the run ended", exits.record_reason, None, entry, reason, error)
    finish(left, status)


def finish(entries: list[OpenRun], status: str, *, wait: bool = True) -> None:
    """Record the end of runs taken off a stack, innermost first, and wait for delivery once.

    Those a parent process owns are only let go.
    """
    ended: list[tuple[OpenRun, Run]] = []
    for entry in entries:
        _close(entry)
        if entry.owned:
            end_time = now_ms()
            entry.writer.end(status, end_time)
            ended.append((entry, _ended(entry.run, status, end_time)))
    if wait:
        journals = {entry.writer.journal: entry for entry, _ in ended}
        for journal, entry in journals.items():
            wait_until_delivered(journal, f"run {entry.run.info.run_name!r}")
    for entry, run in ended:
        plugins().hook.chiplog_run_ended(run=run)
        if wait:
            _say_where(entry.writer.store_uri, run)


def _asked_tags(
    tags: Mapping[str, Any] | None, run_name: str | None, description: str | None
) -> dict[str, str]:
    asked = validation.check_tags(tags or {})
    if description is not None:
        if DESCRIPTION in asked:
            raise InvalidValue(
                f"The description is given twice: as description={description!r} and as the tag "
                f"{DESCRIPTION}={asked[DESCRIPTION]!r}. Leave one out."
            )
        asked[DESCRIPTION] = validation.tag_value(DESCRIPTION, description)
    if run_name:
        asked[RUN_NAME] = validation.tag_value(RUN_NAME, run_name)
    return asked


def _resume_as_asked(wish: _Wish) -> OpenRun | None:
    """Resume the run that the environment asks for, if it does; the request is taken out of it."""
    found = {name: os.environ.pop(name, None) for name in _RUN_ID_VARIABLES}
    for name, run_id in found.items():
        if run_id:
            try:
                return _resume(validation.check_run_id(run_id), wish)
            except ChiplogError as error:
                error.add_note(f"The run to resume is named by the variable {name}={run_id!r}.")
                raise
    return None


def _start(
    experiment_id: str | None, parent_run_id: str | None, wish: _Wish, *, asked: bool
) -> OpenRun:
    uri = active.store_uri()
    experiment = experiments.for_new_run(uri, experiment_id)
    shared = jobs.run_id(uri, asked=asked)
    if shared is not None and not ranks.is_main():
        return jobs.join_run(shared, uri, experiment.experiment_id, experiment.artifact_location)
    tags = run_context_tags(wish.tags)
    parent = _parent(uri, parent_run_id)
    if parent:
        tags[PARENT_RUN_ID] = parent
    entry = begin_run(
        uri, experiment.experiment_id, experiment.artifact_location, tags, run_id=shared
    )
    if PARENT_RUN_ID not in tags:
        collect_late_context(entry.writer)
    return entry


def _parent(uri: str, parent_run_id: str | None) -> str | None:
    """The parent of a run that starts now, or None for a top-level run."""
    current = active.current()
    innermost = current.run.info.run_id if current else None
    if parent_run_id is None or parent_run_id == innermost:
        if current is None or current.writer.store_uri != uri:
            return None
        return innermost
    if current is not None and current.owned:
        raise ChiplogError(
            f"The active run {innermost!r} is not the given parent_run_id {parent_run_id!r}. "
            "End the active run with end_run() first, or leave parent_run_id out."
        )
    try:
        parent = readable_store(uri).get_run(parent_run_id)
    except StoreUnavailable:
        return parent_run_id  # told by start_run already; who comes later finds out
    if parent.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ChiplogError(
            f"Cannot start a run under {parent_run_id!r}: that run is deleted. "
            f"restore_run({parent_run_id!r}) brings it back."
        )
    return parent_run_id


def _resume(run_id: str, wish: _Wish) -> OpenRun:
    uri = active.store_uri()
    run = readable_store(uri).get_run(run_id)
    if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ChiplogError(
            f"Cannot start run with ID {run_id} because it is in the deleted state. "
            f"restore_run({run_id!r}) brings it back."
        )
    experiments.check_resumed(run)
    parent = inherited()
    owned = (parent is None or parent.run_id != run_id) and ranks.is_main()  # else others end it
    writer = active.pen_of_resumed(run, uri)
    name = wish.tags.get(RUN_NAME)
    writer.record(RunUpdated(run_id, status="RUNNING", name=name, owned=owned or None))
    if wish.tags:
        writer.set_tags(wish.tags)
    info = RunInfo(**dict(run.info))
    info.status = "RUNNING"
    info.run_name = name or info.run_name
    data = RunData(
        run.data.metrics,
        run.data.params,
        {**run.data.tags, **wish.tags},
        run.data.latest_metrics,
    )
    active_run = ActiveRun(info, data, run.inputs, run.outputs)
    active.remember(writer)
    return OpenRun(active_run, writer, owned=owned, stored=True)


def _open(entry: OpenRun, wish: _Wish) -> None:
    """Make a run this thread's active one."""
    if threading.current_thread() is threading.main_thread():
        run = InheritedRun.of(
            entry.run.info,
            entry.writer.store_uri,
            is_theirs=ranks.is_main(),
            started=jobs.started(),
        )
        entry.replaced = publish(run)
        entry.published = True
    local.stack.append(entry)
    active.refresh_fast()
    if entry.owned:
        active.owned_runs.append(entry)
        exits.watch()
    if not ranks.is_main():
        return  # rank 0 tells of the run, and samples
    _begin_system_metrics(entry, wish.log_system_metrics)
    plugins().hook.chiplog_run_started(run=entry.run)


def _begin_system_metrics(entry: OpenRun, asked: bool | None) -> None:
    with quiet("Sampling system metrics"):
        if not is_system_metrics_logging_enabled(asked):
            return
        from chiplog.core.system_metrics import SystemMetricsMonitor

        writer = entry.writer
        monitor = SystemMetricsMonitor(writer.log_metrics, resume_step=_next_system_step(writer))
        monitor.start()
        entry.closers.insert(0, monitor.stop)


def _next_system_step(writer: RunWriter) -> int:
    """The step after the highest of a resumed run's system metrics; 0 for a new run."""
    if writer.is_new:
        return 0
    summaries = readable_store(writer.store_uri).get_metric_summaries(writer.run_id)
    steps = [one.latest_step for one in summaries if one.key.startswith("system/")]
    return max(steps, default=-1) + 1


def _pop() -> OpenRun:
    entry = local.stack.pop()
    local.last_run_id = entry.run.info.run_id
    active.refresh_fast()
    return entry


def _close(entry: OpenRun) -> None:
    """Undo what :func:`_open` did beside the stack."""
    if entry.published:
        restore(entry.replaced)
        entry.published = False
    for closer in entry.closers:
        with quiet("Finishing what accompanied the run"):
            closer()
    entry.closers.clear()
    if entry in active.owned_runs:
        active.owned_runs.remove(entry)
    exits.unwatch_if_idle()


def _say_where(uri: str, run: Run) -> None:
    """Print where the run can be seen, if its store has a web page."""
    if not uri.startswith(("http://", "https://")):
        return
    if not env_bool("SUPPRESS_PRINTING_URL_TO_STDOUT", default=False):
        experiment = f"{uri.rstrip('/')}/#/experiments/{run.info.experiment_id}"
        sys.stdout.write(f"View run {run.info.run_name} at: {experiment}/runs/{run.info.run_id}\n")
        sys.stdout.write(f"View experiment at: {experiment}\n")


def _ended(run: ActiveRun, status: str, end_time: int) -> Run:
    """The run as it was when it started, with its end."""
    info = RunInfo(**dict(run.info))
    info.status, info.end_time = status, end_time
    return Run(info, run.data, run.inputs, run.outputs)
