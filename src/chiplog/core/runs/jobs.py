"""One distributed training is one run: its ranks agree on ids without talking to each other.

Each rank works out the job it belongs to from what its launcher tells all of them, and counts the
runs it starts; a run's id follows from both. Rank 0 owns the run: it begins it, names it and ends
it. The other ranks record into it what their program logs by itself.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from chiplog.core.clock import now_ms
from chiplog.core.config import env
from chiplog.core.context import run_context_tags
from chiplog.core.entities import RunData, RunInfo, RunStatus
from chiplog.core.errors import NotFound, StoreUnavailable
from chiplog.core.journal.owner import boot_id, process_started
from chiplog.core.runs import active, ranks
from chiplog.core.runs.active import ActiveRun, OpenRun
from chiplog.core.runs.inherit import InheritedRun, inherited, introduction
from chiplog.core.runs.reading import readable_store
from chiplog.core.runs.writer import RunWriter
from chiplog.core.tags import USER

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "CHIPLOG_RANK_PROCESS"
"""Names the process of a rank to those it starts, which have its variables and are no ranks."""

_UNIQUE: Final = (
    "SLURM_JOB_ID",
    "SLURM_STEP_ID",
    "SLURM_RESTART_COUNT",
    "PMIX_NAMESPACE",
    "OMPI_MCA_ess_base_jobid",
    "PBS_JOBID",
    "LSB_JOBID",
)
_SHARED: Final = ("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT")
_HERE: Final = {"localhost", "127.0.0.1", "::1"}
_TRIES: Final = 1000
_MOST_STARTED: Final = 64


class Job(NamedTuple):
    """A distributed training as all of its ranks know it.

    Attributes:
        key: the same text in each rank.
        is_unique: no other job ever has this key.
    """

    key: str
    is_unique: bool


_taken = {True: 0, False: 0}  # runs started so far, by whether the program asked for them
_started: list[str] = []  # those asked for, in order
_told: InheritedRun | None = None
_generations: dict[str, int] = {}
_is_forked = False


def job() -> Job | None:
    """The distributed training this process is a rank of; None if it trains alone."""
    if ranks.world_size() <= 1:
        return None
    if not ranks.is_initialised():
        if _is_forked or _is_child():
            return None  # a worker of a rank: the rank's variables reach it, too
        if os.environ.setdefault(VARIABLE, str(os.getpid())) != str(os.getpid()):
            return None
    return identify(os.environ)


def _is_child() -> bool:
    """Whether ``multiprocessing`` started this process; imports nothing."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def identify(environment: Mapping[str, str]) -> Job | None:
    """The job that a launcher's variables tell of; None if they do not say which one it is."""
    chosen = env("JOB_ID")
    if chosen:
        return Job(f"job {chosen} {environment.get('TORCHELASTIC_RESTART_COUNT', '')}", True)
    parts = [f"{name}={environment[name]}" for name in _SHARED if environment.get(name)]
    unique = [f"{name}={environment[name]}" for name in _UNIQUE if environment.get(name)]
    parts += ranks.tensorflow_cluster(environment)
    elastic = environment.get("TORCHELASTIC_RUN_ID", "none")
    if elastic != "none":
        unique.append(f"elastic={elastic}")
    if _is_on_one_node(environment):
        unique.append(_launcher(environment))
    if not parts and not unique:
        return None
    return Job(" ".join(parts + unique), bool(unique))


def _is_on_one_node(environment: Mapping[str, str]) -> bool:
    local, size = environment.get("LOCAL_WORLD_SIZE"), environment.get("WORLD_SIZE")
    if local and size:
        return local == size
    here = "TF_CONFIG" not in environment and environment.get("MASTER_ADDR", "localhost") in _HERE
    return here and environment.get("NODE_RANK", "0") == "0"


def _launcher(environment: Mapping[str, str]) -> str:
    """What the ranks of one node have in common and no other job has: who started them, when."""
    errors = environment.get("TORCHELASTIC_ERROR_FILE", "")
    if "/attempt_" in errors:
        return errors.partition("/attempt_")[0]
    is_the_first = "RANK" not in environment and environment.get("LOCAL_RANK") == "0"
    pid = os.getpid() if is_the_first else os.getppid()  # Lightning's first rank starts the others
    return f"{socket.gethostname()} {boot_id()} {pid} {process_started(pid)}"


# The runs of a job


def run_id(store_uri: str, *, asked: bool) -> str | None:
    """The id of a run that starts now; None if this process is no rank.

    Runs that a program asks for are started by all ranks alike, and counted. Those that nobody
    asked for (an autologged training, a metric logged without a run) are rank 0's own affair: the
    others know of the first one.
    """
    found = job()
    if found is None:
        return None
    if not asked and ranks.is_main():
        _taken[asked] += 1
    number = _taken[asked] if asked or ranks.is_main() else 1
    if asked and not ranks.is_main():
        known = _started_by_first_rank(number, store_uri)
        if known is not None:
            return known
    return _run_id(found, f"{'run' if asked else 'unasked'} {number}", store_uri)


def is_asked() -> None:
    """Count a run that the program asks for; before :func:`run_id`, and by all ranks alike.

    Counted while a process trains alone, too: Lightning's first rank does until it has started the
    others, which run the same program from its beginning.
    """
    _taken[True] += 1


def has_started(run_id: str) -> None:
    """Note which run came of one that was asked for."""
    if len(_started) < _taken[True] <= _MOST_STARTED:
        _started.extend([""] * (_taken[True] - 1 - len(_started)))  # those that failed to start
        _started.append(run_id)


def started() -> tuple[str, ...]:
    """The runs this process was asked for so far, in order."""
    return tuple(_started)


def _started_by_first_rank(number: int, store_uri: str) -> str | None:
    """What the first rank told about a run that it started before it started this rank.

    As Lightning's launcher does it: with the same program, from its beginning.
    """
    if "RANK" in os.environ or "LOCAL_RANK" not in os.environ:
        return None
    global _told  # noqa: PLW0603 - looked at before this process tells of runs of its own
    if _told is None:
        _told = inherited()
    if _told is None or _told.pid != os.getppid() or _told.store_uri != store_uri:
        return None
    return (_told.started[number - 1] or None) if number <= len(_told.started) else None


def _run_id(found: Job, which: str, store_uri: str) -> str:
    if found.is_unique:
        return _digest(found, which, 0)
    sequence = which.split(maxsplit=1)[0]
    if sequence not in _generations:
        _generations[sequence] = _first_free(found, f"{sequence} 1", store_uri)
    return _digest(found, which, _generations[sequence])


def _digest(found: Job, which: str, generation: int) -> str:
    text = f"{found.key} {generation} {which}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _first_free(found: Job, first: str, store_uri: str) -> int:
    """For a key that an earlier job may have had: the first whose run has not ended."""
    for generation in range(_TRIES):
        try:
            run = readable_store(store_uri).get_run(_digest(found, first, generation))
        except (NotFound, StoreUnavailable):
            return generation
        if not RunStatus.is_terminated(run.info.status):
            return generation
    return _TRIES


def join_run(run_id: str, store_uri: str, experiment_id: str, artifact_root: str | None) -> OpenRun:
    """A run of rank 0's, for another rank to record into; rank 0 names it and ends it.

    The store is not asked. It learns of the run from whichever rank is first.
    """
    info = RunInfo(
        run_id,
        experiment_id,
        run_context_tags({}).get(USER, "unknown"),
        "RUNNING",
        now_ms(),
        artifact_uri=f"{artifact_root.rstrip('/')}/{run_id}/artifacts" if artifact_root else None,
        run_name="",
    )
    writer = RunWriter(run_id, experiment_id, store_uri, artifact_uri=info.artifact_uri, params={})
    writer.introduce(introduction(info))
    active.remember(writer)
    return OpenRun(ActiveRun(info, RunData()), writer, owned=False)


def forget() -> None:
    """Begin to count anew, as tests do."""
    global _told  # noqa: PLW0603 - one per process
    _taken.update({True: 0, False: 0})
    _generations.clear()
    _started.clear()
    _told = None
    os.environ.pop(VARIABLE, None)


def _after_fork_in_child() -> None:
    global _is_forked  # noqa: PLW0603 - one per process
    _is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
