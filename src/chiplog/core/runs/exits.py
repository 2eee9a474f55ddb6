"""How a process ends, and what its open runs say about it afterwards.

While runs of this process are open: a handler of SIGTERM stands in the main thread, if nobody
else's does (``CHIPLOG_HANDLE_SIGTERM=0`` leaves it out), and ``sys.exit`` leaves a note of its
code. Both are taken away with the last run. What was killed without a word is found by recovery.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from chiplog.core.processes import at_multiprocessing_exit
from chiplog.core.runs import active, sigterm
from chiplog.core.runs.failure import record_failure, type_name
from chiplog.core.tags import EXIT_REASON
from chiplog.hooks.guard import quiet, quietly

if TYPE_CHECKING:
    from typing import NoReturn

    from chiplog.core.runs.active import OpenRun

_registered_in: int | None = None
_watching = False
_last_seen_error: BaseException | None = None
_exit_note: list[object] = []
_real_exit = sys.exit


def outcome_of(error: BaseException | None) -> tuple[str, str | None]:
    """The status of a run whose block ended with ``error``, and the reason if not FINISHED."""
    if error is None:
        return "FINISHED", None
    if isinstance(error, SystemExit):
        return outcome_of_exit(signal.SIGTERM if stands_for_sigterm(error) else error.code)
    return "FAILED", type_name(error)


def outcome_of_exit(code: object) -> tuple[str, str | None]:
    """The status of a run whose program exits with ``code``, and the reason."""
    if code is None or code == 0:
        return "FINISHED", None
    if isinstance(code, signal.Signals):
        return "KILLED", code.name
    return "FAILED", f"exit code {code if isinstance(code, int) else 1}"


def stands_for_sigterm(error: BaseException) -> bool:
    """Whether a framework raised this where SIGTERM would have killed the process."""
    return type(error).__name__ == "SIGTERMException"  # Lightning's, a SystemExit without a code


def note_sigterm(error: BaseException) -> None:
    """Let runs that are open at exit be KILLED, if it is ``error`` that ends the program."""
    error.__dict__["_chiplog_passage"] = _Passage(signal.SIGTERM)


def record_reason(entry: OpenRun, reason: str, error: BaseException | None) -> None:
    """Record why a run did not end well."""
    if error is None or isinstance(error, SystemExit):
        entry.writer.set_tags({EXIT_REASON: reason})
    else:
        record_failure(entry.writer, error)


def watch() -> None:
    """Look out for the end of the process; called when a run of ours opens."""
    global _registered_in, _watching, _last_seen_error  # noqa: PLW0603 - one per process
    if _registered_in != os.getpid():
        _registered_in = os.getpid()
        atexit.register(at_exit)
        at_multiprocessing_exit(at_exit)
    if not _watching:
        _watching = True
        _exit_note.clear()
        _last_seen_error = _last_error()
        sys.exit = _noting_exit
    with quiet("Watching for SIGTERM"):
        sigterm.install()


def unwatch_if_idle() -> None:
    """Take handler and note away when no run of ours is open any more."""
    global _watching  # noqa: PLW0603 - one per process
    if active.owned_runs or not _watching:
        return
    _watching = False
    if sys.exit is _noting_exit:
        sys.exit = _real_exit
    with quiet("Restoring SIGTERM"):
        sigterm.remove()


def at_exit() -> None:
    """End every open run of this process, telling how the program ended."""
    from chiplog.core.runs.lifecycle import finish

    error = uncaught()
    status, reason = outcome_of(error)
    if error is None and _exit_note:
        status, reason = outcome_of_exit(_exit_note[-1])
    entries = list(reversed(active.owned_runs))
    for entry in entries:
        if reason:
            quietly("Recording why the run ended", record_reason, None, entry, reason, error)
    with quiet("Ending the runs that were open at exit"):
        finish(entries, status)


def after_fork() -> None:
    """Undo in a forked child what watched over the parent's runs."""
    global _watching  # noqa: PLW0603 - one per process
    _watching = False
    if sys.exit is _noting_exit:
        sys.exit = _real_exit


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=after_fork)


# An exception or exit code that nobody caught


def _last_error() -> BaseException | None:
    """The last exception that the interpreter printed (``last_exc`` from Python 3.12 on)."""
    found = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return found if isinstance(found, BaseException) else None


def uncaught() -> BaseException | None:
    """The exception that ends the program; in a session, where errors do not end it, None."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return None
    error = _last_error()
    return None if error is _last_seen_error else error


class _Passage:
    """Lives in the frame of a ``sys.exit`` call, and dies with the traceback; or in an exception.

    If that happens below every Python frame, nobody caught the exit: it ends the program. CPython
    hands an exit code to nobody else before it runs the functions of ``atexit``.
    """

    def __init__(self, code: object) -> None:
        self.code = code

    def __del__(self) -> None:
        if sys._getframe().f_back is None and threading.current_thread() is threading.main_thread():  # noqa: SLF001 - the documented way
            _exit_note.append(self.code)


def _noting_exit(status: Any = None, /) -> NoReturn:
    """``sys.exit`` while runs are open."""
    passage = _Passage(status)  # noqa: F841 - see its class
    _real_exit(status)
