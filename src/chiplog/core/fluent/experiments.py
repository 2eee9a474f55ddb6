"""Experiments: creating, choosing, finding and tagging them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core import experiments
from chiplog.core.entities import Experiment, ViewType
from chiplog.core.runs import active
from chiplog.core.runs.reading import readable_store

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence


def create_experiment(
    name: str,
    artifact_location: str | os.PathLike[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    trace_location: object = None,  # noqa: ARG001 - MLflow's argument; there are no traces here
) -> str:
    """Create an experiment and hand back its id; raises AlreadyExists."""
    return experiments.create(active.store_uri(), name, artifact_location, tags)


def set_experiment(
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    trace_location: object = None,  # noqa: ARG001 - as above
) -> Experiment:
    """Choose the experiment of new runs, child processes' included; an unknown name is created."""
    return experiments.set_active(active.store_uri(), experiment_name, experiment_id)


def get_experiment(experiment_id: str) -> Experiment:
    """The experiment of that id, deleted ones included; raises NotFound."""
    return experiments.read(active.store_uri(), experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of that name, deleted ones included, or None."""
    return readable_store(active.store_uri()).get_experiment_by_name(name)


def search_experiments(
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """Every experiment that matches, newest first unless ``order_by`` says otherwise."""
    return experiments.search_all(
        active.store_uri(), view_type, max_results, filter_string, order_by
    )


def delete_experiment(experiment_id: str) -> None:
    """Put an experiment and all its runs in the bin."""
    experiments.delete(active.store_uri(), experiment_id)


def restore_experiment(experiment_id: str) -> None:
    """Take an experiment and all its runs out of the bin."""
    experiments.restore(active.store_uri(), experiment_id)


def set_experiment_tag(key: str, value: Any) -> None:
    """Set or replace a tag of the active experiment."""
    set_experiment_tags({key: value})


def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set or replace tags of the active experiment."""
    uri = active.store_uri()
    experiments.set_tags(uri, experiments.active_id(uri), tags)


def delete_experiment_tag(key: str) -> None:
    """Remove a tag of the active experiment; raises NotFound if it has none of that name."""
    uri = active.store_uri()
    experiments.delete_tag(uri, experiments.active_id(uri), key)
