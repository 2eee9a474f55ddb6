"""What a search over parameters adds: the best of it, its table, and a run for each candidate."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.entities import LoggedModelOutput
from chiplog.core.records import OutputsLogged
from chiplog.integrations.sklearn.children import Children

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.entities import Dataset
    from chiplog.integrations.sklearn.fit import FitWatch


def log_search(watch: FitWatch, search: Any) -> None:
    """Record what a search found, beside what every fit records."""
    session, options = watch.session, watch.options
    results = getattr(search, "cv_results_", None)
    best_model = None
    if hasattr(search, "best_params_"):
        with session.capture("best parameters"):
            session.log_params({f"best_{key}": v for key, v in search.best_params_.items()})
    if hasattr(search, "best_score_"):
        with session.capture("best score"):
            session.log_metrics({"best_cv_score": search.best_score_})
    if options.log_models and hasattr(search, "best_estimator_"):
        best_model = watch.save("best_estimator", search.best_estimator_)
    if results is None:
        session.skipped("candidates", "the search left no results")
        return
    with session.capture("cv_results.csv"):
        session.log_bytes(results_as_csv(results).encode(), "cv_results.csv")
    with session.capture("candidates") as note:
        note.count = log_candidates(
            session, search, watch.dataset, options.max_tuning_runs, best_model
        )
        if not note.count:
            note.skip("max_tuning_runs is 0")


def results_as_csv(results: Mapping[str, Any]) -> str:
    """A search's results as a table, a row for each candidate."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(results)
    columns = [_cells(column) for column in results.values()]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _cells(column: Any) -> list[Any]:
    """The cells of a column: nothing where a value is missing."""
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return ["" if value is None or value != value else value for value in map(_plain, values)]  # noqa: PLR0124 - NaN


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, type(None))) else str(value)


def log_candidates(
    session: TrainingSession,
    search: Any,
    dataset: Dataset | None,
    limit: int | None,
    best_model: str | None = None,
) -> int:
    """Record the candidates as child runs, the best first; hands back how many."""
    results = search.cv_results_
    order = _by_rank(results, session, limit)
    columns = _numeric_columns(results)
    seed = search.estimator
    cls = type(seed)
    tags = {"estimator_name": cls.__name__, "estimator_class": f"{cls.__module__}.{cls.__name__}"}
    children = Children(session, seed, tags, dataset)
    seconds = _seconds(columns, getattr(search, "n_splits_", 1), len(results["params"]))
    best = getattr(search, "best_index_", None)
    for candidate in order:
        run_id = children.record(
            {key: column[candidate] for key, column in columns.items()},
            seconds[candidate],
            params=results["params"][candidate],
        )
        if best_model is not None and candidate == best:
            session.writer.record(OutputsLogged(run_id, models=[LoggedModelOutput(best_model, 0)]))
    return len(order)


def _seconds(columns: Mapping[str, list[float]], splits: int, count: int) -> list[float]:
    """How long each candidate took, over all splits; 0 where that was not measured."""
    times = [columns[key] for key in ("mean_fit_time", "mean_score_time") if key in columns]
    sums = [splits * sum(one) for one in zip(*times, strict=True)] or [0.0] * count
    return [one if math.isfinite(one) else 0.0 for one in sums]


def _by_rank(results: Mapping[str, Any], session: TrainingSession, limit: int | None) -> list[int]:
    """The candidates' positions, best first, as many as are wanted."""
    count = len(results["params"])
    ranks = [key for key in results if key.startswith("rank_test_")]
    if ranks:
        if "rank_test_score" not in ranks and limit is not None and limit < count:
            session.degraded("candidates", f"several scores: the best are chosen by {ranks[0]}")
        key = "rank_test_score" if "rank_test_score" in ranks else ranks[0]
        order: list[int] = np.argsort(np.asarray(results[key]), kind="stable").tolist()
    else:
        order = list(range(count))
    return order if limit is None else order[:limit]


def _numeric_columns(results: Mapping[str, Any]) -> dict[str, list[float]]:
    """The columns that are a candidate's metrics, as plain numbers."""
    return {
        key: np.asarray(column, dtype=np.float64).tolist()
        for key, column in results.items()
        if not key.startswith(("param", "split"))
        and isinstance(column, np.ndarray)
        and column.dtype.kind in "biuf"
    }
