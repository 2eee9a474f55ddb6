"""Naming an experiment: by id or by name."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.entities import Experiment
    from chiplog.core.stores import TrackingStore


def one_experiment(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its ``which``: ``--experiment-id`` or ``--experiment-name``, exactly one."""

    @click.option("--experiment-id", "-x", metavar="ID", help="The experiment.")
    @click.option("--experiment-name", "-n", metavar="NAME", help="The same, by name.")
    @wraps(function)
    def given(experiment_id: str | None, experiment_name: str | None, **others: Any) -> None:
        if (experiment_id is None) == (experiment_name is None):
            raise click.UsageError("Give exactly one of --experiment-id and --experiment-name.")
        function(which=(experiment_id, experiment_name), **others)

    return given


def find(store: TrackingStore, which: tuple[str | None, str | None]) -> Experiment:
    """The experiment that was named; raises NotFound."""
    from chiplog.cli.lookup import find_experiment_by_name

    experiment_id, name = which
    if experiment_id is not None:
        return store.get_experiment(experiment_id)
    return find_experiment_by_name(store, name or "")
