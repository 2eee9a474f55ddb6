"""Runs: the active one, any other by its id, and searching them."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from chiplog.core import experiments
from chiplog.core.entities import Experiment, Metric, Run, ViewType
from chiplog.core.errors import InvalidValue
from chiplog.core.runs import active
from chiplog.core.runs.reading import metric_history, readable_store, search_all_runs
from chiplog.core.tags import PARENT_RUN_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.runs.active import ActiveRun

_log = logging.getLogger("chiplog")


def active_run() -> ActiveRun | None:
    """This thread's active run, else the one inherited from a parent process, else None."""
    return active.current_run()


def last_active_run() -> Run | None:
    """The active run, else the run that ended last in this thread, freshly read."""
    current = active.current_run()
    if current is not None:
        return current
    last = active.local.last_run_id
    return get_run(last) if last else None


def get_run(run_id: str) -> Run:
    """The run of that id, deleted ones included; raises NotFound."""
    return readable_store(active.store_uri()).get_run(run_id)


def get_parent_run(run_id: str) -> Run | None:
    """The run that this one is a child of, or None."""
    parent = get_run(run_id).data.tags.get(PARENT_RUN_ID)
    return get_run(parent) if parent else None


def delete_run(run_id: str) -> None:
    """Put a run in the bin."""
    readable_store(active.store_uri()).delete_run(run_id)
    active.forget_writers(run_id)


def restore_run(run_id: str) -> None:
    """Take a run out of the bin."""
    readable_store(active.store_uri()).restore_run(run_id)
    active.forget_writers(run_id)


def get_metric_history(run_id: str, key: str) -> list[Metric]:
    """Every point of a metric, by timestamp, step and value; empty for an unknown key."""
    return metric_history(active.store_uri(), run_id, key)


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: str = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> Any:
    """Find runs, as a pandas DataFrame if pandas is there, else (or for ``"list"``) as a list.

    Looks in the active experiment unless experiments are named, by id or by name.
    The frame has a column each for ``run_id``, ``experiment_id``, ``status``, ``artifact_uri``,
    ``start_time``, ``end_time``, and for every ``metrics.<key>``, ``params.<key>``, ``tags.<key>``.
    """
    if output_format not in {"pandas", "list"}:
        raise ValueError(f"Unsupported output format: {output_format!r}; give 'pandas' or 'list'.")
    check_max_results(max_results)
    uri = active.store_uri()
    ids = _experiments_to_search(
        uri, experiment_ids, experiment_names, everywhere=search_all_experiments
    )
    runs = search_all_runs(uri, ids, filter_string, run_view_type, max_results, order_by)
    if output_format == "list" or not pandas_is_there("search_runs"):
        return runs
    from chiplog.core.fluent.frames import frame_of_runs

    return frame_of_runs(runs)


def check_max_results(max_results: object) -> None:
    """Raise InvalidValue for a number of results that is none, or negative."""
    if max_results is None:
        return
    if isinstance(max_results, bool) or not isinstance(max_results, int) or max_results < 0:
        raise InvalidValue(f"max_results must be a whole number from 0 on, not {max_results!r}.")


_said_without_pandas: set[str] = set()


def pandas_is_there(function: str) -> bool:
    """Whether pandas can be imported; says once per function that a list comes instead."""
    if find_spec("pandas") is not None:
        return True
    if function not in _said_without_pandas:
        _said_without_pandas.add(function)
        _log.warning(
            "%s() hands back a list, since pandas is not installed. Install pandas for a "
            "DataFrame, or pass output_format='list'.",
            function,
        )
    return False


def _experiments_to_search(
    uri: str,
    ids: Sequence[str] | None,
    names: Sequence[str] | None,
    *,
    everywhere: bool,
) -> list[str]:
    if ids and names:
        raise InvalidValue(
            f"Give experiment_ids={list(ids)!r} or experiment_names={list(names)!r}, not both."
        )
    if names:
        store = readable_store(uri)
        found = {name: store.get_experiment_by_name(name) for name in names}
        for name, experiment in found.items():
            if experiment is None:
                _log.warning("There is no experiment named %r; it is left out.", name)
        return [experiment.experiment_id for experiment in found.values() if experiment]
    if ids:
        return [str(one) for one in ([ids] if isinstance(ids, (str, int)) else ids)]
    if everywhere:
        every: list[Experiment] = experiments.search_all(
            uri, ViewType.ACTIVE_ONLY, None, None, None
        )
        return [experiment.experiment_id for experiment in every]
    return [experiments.active_id(uri)]
