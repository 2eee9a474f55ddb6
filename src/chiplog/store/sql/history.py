"""Metric history as MLflow's clients read it: points of all series, by timestamp, step, value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chiplog.core.entities import Metric, Page
from chiplog.core.errors import InvalidValue
from chiplog.store.sql import doubles
from chiplog.store.sql.paging import make_token, read_token, scope_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.records import SeriesPoints


def history_page(
    run_id: str,
    key: str,
    series: Sequence[SeriesPoints],
    max_results: int | None,
    page_token: str | None,
) -> Page[Metric]:
    """A page of the points of ``series``; a token says behind which point, and which of equals."""
    if max_results is not None and max_results < 1:
        raise InvalidValue(f"max_results must be 1 or more, or None for all, not {max_results!r}.")
    scope = scope_of("history", run_id, key)
    after = read_token(page_token, scope, [int, int, int, int])
    if not series:
        return Page()
    steps = np.concatenate([points.steps for points in series])
    times = np.concatenate([points.timestamps for points in series])
    values = np.concatenate([points.values for points in series])
    ranks = doubles.encode_array(values)
    owners = np.repeat(np.arange(len(series)), [len(points) for points in series])
    order = np.lexsort((ranks, steps, times))
    sorted_keys = np.column_stack([times[order], steps[order], ranks[order]])
    start = 0 if after is None else _first_at(sorted_keys, after[:3]) + after[3]
    stop = len(order) if max_results is None else start + max_results
    picked = order[start:stop]
    metrics = [
        Metric(
            key,
            value,
            time,
            step,
            series[owner].series.model_id,
            series[owner].series.dataset_name,
            series[owner].series.dataset_digest,
            run_id,
        )
        for value, time, step, owner in zip(
            values[picked].tolist(),
            times[picked].tolist(),
            steps[picked].tolist(),
            owners[picked].tolist(),
            strict=True,
        )
    ]
    if stop >= len(order):
        return Page(metrics)
    last = [int(part) for part in sorted_keys[stop - 1]]
    return Page(metrics, make_token(scope, [*last, stop - _first_at(sorted_keys, last)]))


def _first_at(sorted_keys: np.ndarray[tuple[int, int], np.dtype[np.int64]], key: list[int]) -> int:
    """Where the first row lies that is not before ``key``."""
    low, high = 0, len(sorted_keys)
    while low < high:
        middle = (low + high) // 2
        if sorted_keys[middle].tolist() < key:
            low = middle + 1
        else:
            high = middle
    return low
