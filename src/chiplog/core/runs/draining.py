"""Waiting for delivery at the end of a run: with a progress bar, and never for ever."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

from chiplog.core.runs.reading import end_timeout

if TYPE_CHECKING:
    from chiplog.core.journal import Journal

_log = logging.getLogger("chiplog")

_QUIET_SECONDS = 1.0
_LOOK_SECONDS = 0.2


def wait_until_delivered(journal: Journal, what: str) -> bool:
    """Wait until ``journal`` is in its store; past the deadline, leave the rest and say so.

    The deadline is ``CHIPLOG_END_TIMEOUT``, 30 seconds by default. What is left stays in the
    journal and is delivered by the next process that opens the store, or by ``chiplog sync``.
    """
    limit = end_timeout()
    if journal.flush(min(_QUIET_SECONDS, limit)):
        return True
    if limit > _QUIET_SECONDS and _flush_visibly(journal, what, limit - _QUIET_SECONDS):
        return True
    _log.warning(
        "%s was not delivered to %s within %g s. Nothing is lost: it lies in %s and is delivered "
        "later, by the next process that opens the store or by `chiplog sync`.",
        what,
        journal.store_uri,
        limit,
        journal.directory,
    )
    return False


def _flush_visibly(journal: Journal, what: str, limit: float) -> bool:
    if not sys.stderr.isatty():
        return journal.flush(limit)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        waiting = progress.add_task(f"Delivering {what}", total=None)
        deadline = time.monotonic() + limit
        while (left := deadline - time.monotonic()) > 0:
            if journal.flush(min(_LOOK_SECONDS, left)):
                return True
            progress.advance(waiting)
    return False
