"""The end of a process and its division: journals close at exit and begin anew after a fork."""

from __future__ import annotations

import atexit
import logging
import os
from typing import TYPE_CHECKING, Final

from chiplog.core.config import env_float
from chiplog.core.journal import gate
from chiplog.core.journal.journal import begin_journals_in_child, open_journals
from chiplog.core.journal.orphans import begin_recoveries_in_child
from chiplog.core.journal.owner import forget_parents_journals
from chiplog.core.journal.writer import begin_writer_in_child, writer
from chiplog.core.processes import at_multiprocessing_exit
from chiplog.core.waiting import wait_visibly

if TYPE_CHECKING:
    from chiplog.core.journal.spare import Saved
    from chiplog.core.journal.writer import Left

_log = logging.getLogger("chiplog.journal")

_FORK_WAIT: Final = 1.0


def flush_all(timeout: float | None = None) -> bool:
    """Wait until everything this process recorded can be read, as :meth:`Journal.flush` does."""
    return writer().flush([journal.stream for journal in open_journals()], timeout)


def close_all(deadline: float | None = None) -> bool:
    """Deliver everything this process recorded and remove its journals.

    Args:
        deadline: seconds after which the rest is left to the next process that opens the store;
            ``CHIPLOG_EXIT_TIMEOUT``, 30 seconds by default, unless given. A store that is known
            to be down is not waited for.

    Hands back whether everything was delivered. What is recorded afterwards goes to new journals.
    """
    limit = env_float("EXIT_TIMEOUT", 30.0) if deadline is None else deadline
    for journal in open_journals():
        journal.detach()
    reopened = {journal.journal_id for journal in open_journals()}  # by threads that still log
    streams = [s for s in writer().streams() if s.journal_id not in reopened]
    delivered = wait_visibly(
        "Delivering what was logged",
        lambda seconds: writer().close(streams, seconds),
        limit,
        left=lambda: sum(left.records for left in writer().left(streams)),
    )
    if not delivered:
        for left in writer().left(streams):
            _say_left(left, left.stream.save(left.position))
    return delivered


def _say_left(left: Left, saved: Saved) -> None:
    stream = left.stream
    safe = left.records - left.unsafe + saved.kept
    if safe > 0:
        _log.warning(
            "About %d records are not in %s yet. They are safe in %s; the next process that opens "
            "the store delivers them, or type: chiplog sync %s",
            safe,
            stream.store_uri,
            stream.directory,
            stream.directory,
        )
    if saved.lost_points or saved.lost_records:
        counted = {"metric point": saved.lost_points, "other record": saved.lost_records}
        _log.warning(
            "%s could be neither delivered to %s nor kept in %s. That is lost.",
            " and ".join(
                f"{count} {what}{'s' if count > 1 else ''}"
                for what, count in counted.items()
                if count
            ),
            stream.store_uri,
            stream.directory,
        )


# Exit. Registered when this module is imported, which is before any run can be opened: functions
# of atexit run in reverse order, so runs are ended before their journals close.


def close_at_exit() -> None:
    """Close the journals at the end of the process; called by the interpreter."""
    try:
        close_all()
    except Exception:
        _log.exception("Closing the journals failed; `chiplog sync` delivers what they hold.")


def close_with_multiprocessing() -> None:
    """Close the journals of a child of multiprocessing; called when a journal is first written."""
    at_multiprocessing_exit(close_at_exit, after_runs=True)


atexit.register(close_at_exit)


# Fork. The writer's thread ends before it and starts again after it, and recovery holds still, so a
# child finds no lock of the store's held by a thread that it does not have.


def _before_fork() -> None:
    writer().stop(_FORK_WAIT)
    gate.shut(_FORK_WAIT)


def _after_fork_in_parent() -> None:
    gate.open_again()
    writer().restart()  # whoever stopped it: several threads may fork at once


def _after_fork_in_child() -> None:
    gate.begin_in_child()
    forget_parents_journals()
    begin_recoveries_in_child()
    begin_writer_in_child()
    begin_journals_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
