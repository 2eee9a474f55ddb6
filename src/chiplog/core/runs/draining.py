"""Waiting for delivery at the end of a run: with a progress bar, and never for ever."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

from chiplog.core.runs import reading

if TYPE_CHECKING:
    from chiplog.core.journal import Journal

_log = logging.getLogger("chiplog")

_QUIET_SECONDS = 1.0


def wait_until_delivered(journal: Journal, what: str) -> bool:
    """Wait until ``journal`` is in its store; past the deadline, leave the rest and say so.

    The deadline is ``CHIPLOG_END_TIMEOUT``, 30 seconds by default; a store that is known to be down
    is not waited for. What is left stays in the journal and is delivered by the next process that
    opens the store, or by ``chiplog sync``.
    """
    limit = reading.end_timeout()
    if reading.is_behind(journal):  # said already
        return reading.flush_patiently(journal, limit)
    began = time.monotonic()
    if journal.flush(min(_QUIET_SECONDS, limit)):
        return True
    is_slow = time.monotonic() - began >= _QUIET_SECONDS  # a store that is down says so at once
    if is_slow and _flush_visibly(journal, what, limit - _QUIET_SECONDS):
        return True
    reading.note_behind(journal)
    lost = journal.lost
    _log.warning(
        "%s is not delivered to %s yet. %s in %s and is delivered later, by this process, the next "
        "one that opens the store, or `chiplog sync`.",
        what,
        journal.store_uri,
        f"{lost} records found room nowhere and are lost; the rest lies" if lost else "It lies",
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
        progress.add_task(f"Delivering {what}", total=None)
        return journal.flush(limit)  # the bar is drawn by a thread of its own
