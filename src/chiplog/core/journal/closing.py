"""The end of a process and its division: journals close at exit and begin anew after a fork."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Final

from chiplog.core.config import env_float
from chiplog.core.journal.journal import begin_journals_in_child, open_journals
from chiplog.core.journal.owner import forget_parents_journals
from chiplog.core.journal.writer import begin_writer_in_child, writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.journal.stream import Stream

_log = logging.getLogger("chiplog.journal")

_QUIET_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.2
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
    delivered = writer().close(streams, min(limit, _QUIET_SECONDS)) or (
        limit > _QUIET_SECONDS and _close_visibly(streams, limit - _QUIET_SECONDS)
    )
    if not delivered:
        for stream, left in writer().left(streams):
            _say_left(stream, left)
    return delivered


def _say_left(stream: Stream, left: int) -> None:
    if stream.on_disk:
        _log.warning(
            "About %d records are not in %s yet. They are safe in %s; the next process that opens "
            "the store delivers them, or type: chiplog sync %s",
            left,
            stream.store_uri,
            stream.directory,
            stream.directory,
        )
    else:
        _log.warning(
            "About %d records could be neither delivered to %s nor kept in %s, and are lost.",
            left,
            stream.store_uri,
            stream.directory,
        )


def _close_visibly(streams: Sequence[Stream], limit: float) -> bool:
    if not sys.stderr.isatty():
        return writer().close(streams, limit)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        total = sum(left for _, left in writer().left(streams))
        bar = progress.add_task("Delivering what was logged", total=total)
        began = time.monotonic()
        until = began + limit
        while (remaining := until - time.monotonic()) > 0:
            if writer().close(streams, min(_LOOK_SECONDS, remaining)):
                return True
            if writer().is_hopeless(streams, began):
                return False
            left = sum(left for _, left in writer().left(streams))
            progress.update(bar, completed=total - left)
    return False


# Exit. Registered when this module is imported, which is before any run can be opened: functions
# of atexit run in reverse order, so runs are ended before their journals close.


def close_at_exit() -> None:
    """Close the journals at the end of the process; called by the interpreter."""
    try:
        close_all()
    except Exception:
        _log.exception("Closing the journals failed; `chiplog sync` delivers what they hold.")


def close_with_multiprocessing() -> None:
    """Close the journals of a child of multiprocessing, which leaves without ``atexit``.

    Called when a journal is first written.
    """
    if "multiprocessing.process" in sys.modules:
        from multiprocessing import parent_process, util

        if parent_process() is not None:
            util.Finalize(None, close_at_exit, exitpriority=1)


atexit.register(close_at_exit)


# Fork. The writer's thread ends before it and starts again after it, so a child finds no lock of
# the store's held by a thread that it does not have, and Python no reason to warn.


def _before_fork() -> None:
    writer().stop(_FORK_WAIT)


def _after_fork_in_parent() -> None:
    writer().restart()  # whoever stopped it: several threads may fork at once


def _after_fork_in_child() -> None:
    forget_parents_journals()
    begin_writer_in_child()
    begin_journals_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
