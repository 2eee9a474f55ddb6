"""Which of a distributed training's processes this one is.

A rank is known by its launcher's variables (torchrun and what imitates it, Lightning's own one,
``TF_CONFIG``), by ``torch.distributed`` once it is initialised in this process, and by the
variables of MPI and SLURM if something says that the tasks work together: ``srun`` and ``mpirun``
are also used to start many trainings that have nothing to do with each other, and each of those is
rank 0 of its own.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_TASKS: Final = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)
_FIRST: Final = {"chief": 0, "master": 0, "worker": 1}
_TOGETHER: Final = ("mpi4py.MPI", "horovod.torch", "horovod.tensorflow")


class Place(NamedTuple):
    """A process's number among those that train together, from 0, and how many they are."""

    rank: int
    size: int


_ALONE: Final = Place(0, 1)


def rank() -> int:
    """This process's number among those that train together; 0 if it trains alone."""
    return place().rank


def world_size() -> int:
    """How many processes train together; 1 if this one trains alone."""
    return place().size


def is_main() -> bool:
    """Whether this is the process that records the training: rank 0, or one that trains alone."""
    return place().rank == 0


def place() -> Place:
    """This process's rank and how many there are."""
    initialised = _initialised()
    return initialised if initialised is not None else from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> Place:
    """The rank that a launcher's variables tell of."""
    return (
        _launched(environment, "RANK", "WORLD_SIZE")
        or _by_lightning(environment)
        or _by_tensorflow(environment)
        or _task(environment)
        or _ALONE
    )


def is_initialised() -> bool:
    """Whether ``torch.distributed`` is initialised in this process; imports nothing."""
    return _initialised() is not None


def _initialised() -> Place | None:
    distributed = sys.modules.get("torch.distributed")
    try:
        if distributed is None or not distributed.is_available():
            return None
        if not distributed.is_initialized():
            return None
        return Place(int(distributed.get_rank()), int(distributed.get_world_size()))
    except Exception:  # half imported, or torn down meanwhile
        return None


def _launched(environment: Mapping[str, str], rank_name: str, size_name: str) -> Place | None:
    number = _number(environment, rank_name)
    size = _number(environment, size_name)
    return Place(number, size) if number is not None and size is not None and size > 1 else None


def _by_lightning(environment: Mapping[str, str]) -> Place | None:
    """Its launcher starts the ranks beside the first with a node's and a local number."""
    size, local = _number(environment, "WORLD_SIZE"), _number(environment, "LOCAL_RANK")
    node = _number(environment, "NODE_RANK") or 0
    if size is None or size <= 1 or local is None:
        return None
    return Place(local + node * (_number(environment, "LOCAL_WORLD_SIZE") or 1), size)


def _by_tensorflow(environment: Mapping[str, str]) -> Place | None:
    """``TF_CONFIG`` names every task of the cluster; its chief, else its first worker, is 0."""
    text = environment.get("TF_CONFIG")
    if not text:
        return None
    try:
        config = msgspec.json.decode(text)
        cluster, task = config["cluster"], config["task"]
        kinds = sorted(cluster, key=lambda kind: _FIRST.get(kind, 2))
        before = [len(cluster[kind]) for kind in kinds[: kinds.index(task["type"])]]
        size = sum(len(addresses) for addresses in cluster.values())
        return Place(sum(before) + int(task["index"]), size) if size > 1 else None
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


def tensorflow_cluster(environment: Mapping[str, str]) -> list[str]:
    """What ``TF_CONFIG`` says alike in all tasks of a cluster, as text; empty if there is none."""
    try:
        cluster = msgspec.json.decode(environment.get("TF_CONFIG", ""))["cluster"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return []
    return [msgspec.json.encode(cluster, order="sorted").decode()]


def _task(environment: Mapping[str, str]) -> Place | None:
    """The number of an MPI or SLURM task, if its tasks work together."""
    if "MASTER_ADDR" not in environment and not any(name in sys.modules for name in _TOGETHER):
        return None
    found = (_launched(environment, *names) for names in _TASKS)
    return next((task for task in found if task is not None), None)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "").strip()
    return int(text) if text.isdecimal() else None
