"""Waiting for delivery at the end of a run: with a progress bar, and never for ever."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from chiplog.core.artifacts import outbox
from chiplog.core.runs import reading
from chiplog.core.waiting import wait_visibly
from chiplog.hooks.guard import quietly

if TYPE_CHECKING:
    from chiplog.core.journal import Journal

_log = logging.getLogger("chiplog")


def wait_until_delivered(journal: Journal, what: str) -> bool:
    """Wait until ``journal`` is in its store; past the deadline, leave the rest and say so.

    The deadline is ``CHIPLOG_END_TIMEOUT``, 30 seconds by default; a store that is known to be down
    is not waited for. What is left stays in the journal and is delivered by the next process that
    opens the store, or by ``chiplog sync``.
    """
    delivered = _wait(journal, what)
    if delivered:
        quietly("Bringing files to their places", outbox.deliver_own, None, journal)
    return delivered


def _wait(journal: Journal, what: str) -> bool:
    limit = reading.end_timeout()
    if reading.is_behind(journal):  # said already
        return reading.flush_patiently(journal, limit)
    if wait_visibly(f"Delivering {what}", journal.flush, limit):
        return True
    reading.note_behind(journal)
    _log.warning(
        "%s is not delivered to %s yet. %s",
        what,
        journal.store_uri,
        _where_it_is(journal),
    )
    return False


def _where_it_is(journal: Journal) -> str:
    """Where what is not delivered lies, and what becomes of it."""
    words = (
        f"It lies in {journal.directory} and is delivered later, by this process, the next one "
        "that opens the store, or `chiplog sync`."
    )
    if journal.unsafe:
        words += (
            f" But about {journal.unsafe} of this process's records found no room there and are in "
            "its memory: they are delivered as soon as there is room again, and lost with the "
            "process. Free some space before it ends."
        )
    if journal.lost:
        words += f" {journal.lost} found room nowhere and are lost."
    return words
