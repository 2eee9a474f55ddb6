"""SIGTERM while runs are open: they are recorded as KILLED, and the process dies of it as before.

Python runs signal handlers between byte codes of the main thread, so a long call into compiled code
would hold the death up, which it would not without us. A thread therefore waits on the wakeup pipe
that Python's own C handler writes to, and acts if the main thread does not.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Final

from chiplog.core import background
from chiplog.core.config import env_bool
from chiplog.core.runs import active
from chiplog.core.tags import EXIT_REASON
from chiplog.hooks.guard import quiet

if TYPE_CHECKING:
    from types import FrameType

_DELIVERY_SECONDS: Final = 2.0
_MAIN_THREAD_SECONDS: Final = 1.0
_FINISHING_SECONDS: Final = 1.0

_taken = threading.Event()
_pipe: tuple[int, int] | None = None


def install() -> None:
    """Handle SIGTERM from now on, if nobody else does and this is the main thread.

    The first process of a container is left alone: the kernel spares it such a signal.
    """
    if threading.current_thread() is not threading.main_thread() or os.getpid() == 1:
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    if env_bool("HANDLE_SIGTERM", default=True):
        signal.signal(signal.SIGTERM, _on_sigterm)
        _watch_pipe()


def remove() -> None:
    """Handle it no more, unless the handler is somebody else's by now."""
    if threading.current_thread() is threading.main_thread():
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _leave_pipe()


def _on_sigterm(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
    """Record that the runs were killed, then die of the signal as if nobody had handled it.

    A thread records it, since the code that was interrupted here may hold a lock of ours.
    """
    _taken.set()
    thread = threading.Thread(target=_record_killed, name="chiplog-sigterm", daemon=True)
    thread.start()
    thread.join(_DELIVERY_SECONDS)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _record_killed() -> None:
    with quiet("Recording that the runs were killed"):
        entries = list(reversed(active.owned_runs))
        if any(entry.is_over for entry in entries):
            background.flush(_FINISHING_SECONDS)
        for entry in entries:
            if entry.is_over:
                if entry in active.owned_runs:
                    entry.writer.end("FINISHED")
                continue
            entry.writer.set_tags({EXIT_REASON: "SIGTERM"})
            entry.writer.end("KILLED")
        for journal in {entry.writer.journal for entry in entries}:
            journal.flush(_DELIVERY_SECONDS)


def _watch_pipe() -> None:
    """Let Python's C handler write signals to the pipe; thread and pipe stay for the next run."""
    global _pipe  # noqa: PLW0603 - one per process
    if os.name != "posix":
        return
    if _pipe is None:
        _pipe = os.pipe()
        os.set_blocking(_pipe[1], False)
        threading.Thread(
            target=_wait_for_signal, args=(_pipe[0],), name="chiplog-signals", daemon=True
        ).start()
    before = signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
    if before not in {-1, _pipe[1]}:  # an event loop's, which wakes Python up by itself
        signal.set_wakeup_fd(before)


def _leave_pipe() -> None:
    if _pipe is not None:
        before = signal.set_wakeup_fd(-1)
        if before not in {-1, _pipe[1]}:
            signal.set_wakeup_fd(before)


def _wait_for_signal(reading: int) -> None:
    """Act on SIGTERM if it is ours and the main thread is too busy to."""
    while numbers := os.read(reading, 64):
        if signal.SIGTERM not in numbers or _taken.wait(_MAIN_THREAD_SECONDS):
            continue
        if signal.getsignal(signal.SIGTERM) is _on_sigterm:
            _record_killed()
            _die_of_sigterm()


def _die_of_sigterm() -> None:
    """Die of SIGTERM from a thread, where Python does not let its disposition be changed."""
    import ctypes

    ctypes.CDLL(None).signal(int(signal.SIGTERM), 0)
    os.kill(os.getpid(), signal.SIGTERM)


def after_fork() -> None:
    """Forget, in a forked child, what watched over the parent's runs."""
    global _pipe  # noqa: PLW0603 - one per process
    if signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _pipe is not None:
        _leave_pipe()
        os.close(_pipe[0])
        os.close(_pipe[1])
        _pipe = None


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=after_fork)
