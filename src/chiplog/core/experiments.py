"""The active experiment, and which experiment a new run lands in."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chiplog.core import validation
from chiplog.core.config import env_with_source
from chiplog.core.entities import Experiment, LifecycleStage
from chiplog.core.errors import (
    AlreadyExists,
    ChiplogError,
    InvalidValue,
    NotFound,
    StoreUnavailable,
)
from chiplog.core.journal import open_journal
from chiplog.core.records import NAMED
from chiplog.core.runs.active import forget_writers
from chiplog.core.runs.inherit import inherited
from chiplog.core.runs.reading import note_behind, readable_store
from chiplog.core.stores import open_tracking_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.entities import Run

_log = logging.getLogger("chiplog")

_TRUSTED_SECONDS = 10.0
_ID_VARIABLES = ("CHIPLOG_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_ID")

_active_id: str | None = None
_lock = threading.RLock()


def _after_fork() -> None:
    """Let go, in a forked child, of a lock that a thread of the parent may have held."""
    global _lock  # noqa: PLW0603 - one per process
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@dataclass(frozen=True)
class _Seen:
    """An experiment as it was read, and until when that is taken for true."""

    experiment: Experiment
    until: float


_seen: dict[tuple[str, str], _Seen] = {}


def create(
    uri: str,
    name: str,
    artifact_location: str | os.PathLike[str] | None = None,
    tags: Mapping[str, Any] | None = None,
) -> str:
    """Create an experiment and hand back its id; raises AlreadyExists."""
    validation.check_experiment_name(name)
    for key, value in (tags or {}).items():
        if not isinstance(value, str):
            raise TypeError(
                f"The value of experiment tag {key!r} must be a string, not {value!r} "
                f"({type(value).__name__}); no experiment was created."
            )
        validation.check_experiment_tag(key, value)
    location = None if artifact_location is None else os.fspath(artifact_location)
    return open_tracking_store(uri).create_experiment(name, location, dict(tags or {}))


def set_active(
    uri: str, experiment_name: str | None = None, experiment_id: str | None = None
) -> Experiment:
    """Choose the experiment of new runs, child processes' included; an unknown name is created.

    While the store cannot be reached the choice stands all the same: see :func:`for_new_run`.
    """
    global _active_id  # noqa: PLW0603 - process-wide by MLflow's contract
    if (experiment_name is None) == (experiment_id is None):
        raise InvalidValue(
            "Give exactly one of experiment_name and experiment_id, not "
            f"experiment_name={experiment_name!r} with experiment_id={experiment_id!r}."
        )
    wanted = str(experiment_id)
    if experiment_name is not None:
        wanted = NAMED + validation.check_experiment_name(experiment_name)
    with _lock:
        experiment = _fresh(uri, wanted)
        if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
            raise InvalidValue(
                f"Cannot set a deleted experiment {experiment.name!r} as the active experiment. "
                f"restore_experiment({experiment.experiment_id!r}) brings it back."
            )
        _active_id = experiment.experiment_id
        for variable in _ID_VARIABLES:
            os.environ[variable] = experiment.experiment_id
    return experiment


def reset_active() -> None:
    """Forget the active experiment and everything remembered about experiments."""
    global _active_id  # noqa: PLW0603 - as above
    _active_id = None
    forget()


def active_id(uri: str) -> str:
    """The id of the experiment that a new run lands in."""
    if _active_id is not None:
        return _known_id(uri, _active_id)
    name, name_variable = env_with_source("EXPERIMENT_NAME")
    given_id, id_variable = env_with_source("EXPERIMENT_ID")
    if name is not None:
        experiment_id = _known_id(uri, NAMED + name)
        if given_id is not None and given_id != experiment_id:
            raise InvalidValue(
                f"{name_variable}={name!r} names experiment {experiment_id}, but "
                f"{id_variable}={given_id!r}. Unset one of them."
            )
        return experiment_id
    if given_id is not None:
        _check_environment_id(uri, given_id, id_variable)
        return _known_id(uri, given_id)
    parent = inherited()
    if parent is not None and parent.store_uri == uri:
        return parent.experiment_id
    return Experiment.DEFAULT_EXPERIMENT_ID


def for_new_run(uri: str, experiment_id: str | int | None) -> Experiment:
    """The experiment a run is to start in; raises InvalidValue if it is deleted.

    A store that cannot be reached keeps no run from starting: the experiment is then taken to be
    there, with an empty ``artifact_location``, and the run's records wait in the journal.
    """
    wanted = active_id(uri) if experiment_id is None else str(experiment_id)
    experiment = _fresh(uri, wanted)
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise InvalidValue(
            f"The experiment {wanted!r} ({experiment.name!r}) must be in the 'active' state to "
            f"start runs in; it is deleted. restore_experiment({wanted!r}) brings it back."
        )
    return experiment


def _known_id(uri: str, wanted: str) -> str:
    """The id of an experiment that may have been chosen by name while its store was away."""
    return _fresh(uri, wanted).experiment_id if wanted.startswith(NAMED) else wanted


def _fresh(uri: str, wanted: str) -> Experiment:
    """An experiment by its id or by ``name:NAME``, as it was within the last seconds.

    One whose store cannot be reached is taken to be there, and asked for again some seconds later.
    """
    seen = _seen.get((uri, wanted))
    if seen is not None and time.monotonic() <= seen.until:
        return seen.experiment
    name = wanted.removeprefix(NAMED) if wanted.startswith(NAMED) else None
    try:
        experiment = read(uri, wanted) if name is None else get_or_create(uri, name)
    except StoreUnavailable as error:
        _log.debug("%s is taken to be there. %s", wanted, error)  # the delivery tells of it
        note_behind(open_journal(uri))
        experiment = Experiment(wanted, name or "", artifact_location="")
    if experiment.lifecycle_stage == LifecycleStage.ACTIVE:
        _seen[uri, wanted] = _Seen(experiment, _trusted_until())
    return experiment


def forget() -> None:
    """Forget what was read about experiments, and the pens of their runs: something has changed."""
    _seen.clear()
    forget_writers()


def read(uri: str, experiment_id: str) -> Experiment:
    """The experiment of that id, freshly read; raises NotFound."""
    return open_tracking_store(uri).get_experiment(str(experiment_id))


def get_or_create(uri: str, name: str) -> Experiment:
    """The experiment of that name, created if there is none; safe when several processes do it."""
    store = open_tracking_store(uri)
    experiment = store.get_experiment_by_name(name)
    if experiment is None:
        try:
            created = create(uri, name)
        except AlreadyExists:
            experiment = store.get_experiment_by_name(name)
        else:
            _log.info("Experiment %r did not exist and was created (id %s).", name, created)
            experiment = store.get_experiment(created)
    if experiment is None:
        raise NotFound(f"The experiment {name!r} was created by another process, then removed.")
    return experiment


def rename(uri: str, experiment_id: str, new_name: str) -> None:
    """Give an active experiment another name."""
    validation.check_experiment_name(new_name)
    experiment = read(uri, experiment_id)
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ChiplogError(
            f"Cannot rename experiment {experiment_id!r}: it is deleted. "
            f"restore_experiment({experiment_id!r}) brings it back.",
            "INVALID_STATE",
        )
    open_tracking_store(uri).rename_experiment(experiment_id, new_name)
    forget()


def delete(uri: str, experiment_id: str) -> None:
    """Put an experiment and all its runs in the bin."""
    readable_store(uri).delete_experiment(str(experiment_id))
    forget()


def restore(uri: str, experiment_id: str) -> None:
    """Take an experiment and all its runs out of the bin."""
    readable_store(uri).restore_experiment(str(experiment_id))
    forget()


def set_tags(uri: str, experiment_id: str, tags: Mapping[str, Any]) -> None:
    """Set or replace tags of an experiment; none if one of them is not allowed."""
    checked = dict(validation.check_experiment_tag(key, value) for key, value in tags.items())
    store = open_tracking_store(uri)
    for key, value in checked.items():
        store.set_experiment_tag(experiment_id, key, value)
    forget()


def delete_tag(uri: str, experiment_id: str, key: str) -> None:
    """Remove a tag of an experiment; raises NotFound if it has none of that name."""
    if key not in read(uri, experiment_id).tags:
        raise NotFound(f"Experiment {experiment_id!r} has no tag {key!r}.")
    open_tracking_store(uri).delete_experiment_tag(experiment_id, key)
    forget()


def check_resumed(run: Run) -> None:
    """Raise if a run to be resumed is not in the experiment that was set as active."""
    if _active_id is not None and run.info.experiment_id != _active_id:
        raise ChiplogError(
            f"Cannot resume run {run.info.run_id!r}: it is in experiment "
            f"{run.info.experiment_id!r}, and the active experiment is {_active_id!r}. "
            f"Call set_experiment(experiment_id={run.info.experiment_id!r}) first."
        )


def search_all(
    uri: str, view_type: int, max_results: int | None, filter_string: str | None, order_by: Any
) -> list[Experiment]:
    """All experiments that match, page after page, or the first ``max_results``."""
    store = readable_store(uri)
    found: list[Experiment] = []
    token: str | None = None
    while max_results is None or len(found) < max_results:
        size = 1000 if max_results is None else min(1000, max_results - len(found))
        page = store.search_experiments(view_type, size, filter_string, order_by, token)
        found.extend(page)
        token = page.token
        if not token:
            break
    return found


def _check_environment_id(uri: str, experiment_id: str, variable: str | None) -> None:
    if experiment_id.startswith(NAMED):
        return
    try:
        _fresh(uri, experiment_id)
    except NotFound:
        raise InvalidValue(
            f"{variable}={experiment_id!r} names no experiment of {uri!r}. "
            "Unset it, or give the id of one that exists (`chiplog experiments list`)."
        ) from None


def _trusted_until() -> float:
    return time.monotonic() + _TRUSTED_SECONDS
