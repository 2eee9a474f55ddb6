"""Reading what this process records: its journal is delivered first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.config import env_float
from chiplog.core.journal import open_journal
from chiplog.core.stores import open_tracking_store

if TYPE_CHECKING:
    from chiplog.core.entities import Metric
    from chiplog.core.stores import TrackingStore


def readable_store(uri: str) -> TrackingStore:
    """The store that ``uri`` names, with everything this process recorded for it readable.

    A store that cannot be reached for now is handed out all the same: reading it says so.
    """
    store = open_tracking_store(uri)
    open_journal(uri).flush(end_timeout())
    return store


def end_timeout() -> float:
    """How many seconds to wait for delivery before leaving the rest to a later process."""
    return env_float("END_TIMEOUT", 30.0)


def metric_history(uri: str, run_id: str, key: str) -> list[Metric]:
    """Every point of a metric, page after page."""
    store = readable_store(uri)
    points: list[Metric] = []
    token: str | None = None
    while True:
        page = store.get_metric_history(run_id, key, None, token)
        points.extend(page)
        token = page.token
        if not token:
            return points
