"""Reading what this process records: its journal is delivered first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chiplog.core.config import env_float
from chiplog.core.entities import ViewType
from chiplog.core.journal import open_journal, wait_until_recovered
from chiplog.core.stores import open_tracking_store
from chiplog.hooks.guard import quietly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.entities import Metric, Run
    from chiplog.core.journal import Journal
    from chiplog.core.stores import TrackingStore

_PAGE: Final = 10_000
_BRIEF_SECONDS: Final = 0.2

_behind: set[str] = set()


def readable_store(uri: str) -> TrackingStore:
    """The store that ``uri`` names, with everything this process recorded for it readable.

    So is what processes left that are dead by now. A store that cannot be reached for now is handed
    out all the same: reading it says so.
    """
    store = open_tracking_store(uri)
    wait_until_recovered(store, end_timeout())
    flush_patiently(open_journal(uri), end_timeout())
    return store


def flush_patiently(journal: Journal, limit: float) -> bool:
    """Wait at most ``limit`` seconds for delivery; hardly at all while a store is known to be away.

    So a hundred runs that end while a store is down do not wait a hundred times.
    """
    if not journal.flush(min(limit, _BRIEF_SECONDS) if is_behind(journal) else limit):
        note_behind(journal)
        return False
    _behind.discard(journal.store_uri)
    return True


def is_behind(journal: Journal) -> bool:
    """Whether the last wait for this journal's store was in vain."""
    return journal.store_uri in _behind


def note_behind(journal: Journal) -> None:
    """Remember that a wait for this journal's store was in vain."""
    _behind.add(journal.store_uri)


def forget_behind() -> None:
    """Wait for every store again."""
    _behind.clear()


def end_timeout() -> float:
    """How many seconds to wait for delivery before leaving the rest to a later process."""
    return quietly("Reading the setting END_TIMEOUT", env_float, 30.0, "END_TIMEOUT", 30.0)


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


def search_all_runs(
    uri: str,
    experiment_ids: Sequence[str],
    filter_string: str = "",
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Run]:
    """Every run that matches, page after page, or the first ``max_results``."""
    store = readable_store(uri)
    runs: list[Run] = []
    token: str | None = None
    while experiment_ids and (max_results is None or len(runs) < max_results):
        size = _PAGE if max_results is None else min(_PAGE, max_results - len(runs))
        page = store.search_runs(
            experiment_ids, filter_string or "", view_type, size, order_by, token
        )
        runs.extend(page)
        token = page.token
        if not token:
            break
    return runs
