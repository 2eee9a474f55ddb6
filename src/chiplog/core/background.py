"""Work that can wait until training has returned: drawing a plot, writing a small file.

One daemon thread does it, in order. A piece of work holds copies of the little it needs, never the
user's data or model. :func:`flush` waits for all of it, and so does the end of the process, for a
while. Nothing here can raise into the user's program.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("chiplog.autolog")

EXIT_SECONDS: Final = 30.0
FORK_SECONDS: Final = 2.0
_IDLE_SECONDS: Final = 10.0


@dataclass(frozen=True)
class _Work:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    failed: Callable[[Exception], None]


class Background:
    """A queue of work and the thread that does it, which ends when there is none for a while."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._lock = threading.RLock()  # a signal handler may put work, too
        self._done = threading.Condition(self._lock)
        self._unfinished = 0
        self._thread: threading.Thread | None = None
        self.working = threading.Lock()

    def put(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do ``function(*arguments)`` later; an exception goes to ``failed``.

        So does the one of a system that gives no thread to do it on.
        """
        try:
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    thread = threading.Thread(target=self._run, name="chiplog-later", daemon=True)
                    thread.start()
                    self._thread = thread
                self._unfinished += 1
                self._queue.put(_Work(function, arguments, failed))
        except RuntimeError as error:
            with contextlib.suppress(Exception):
                failed(error)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all work put before is done; False if ``timeout`` seconds passed first."""
        if threading.current_thread() is self._thread:
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._done:
            while self._unfinished:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._done.wait(left)
        return True

    @property
    def unfinished(self) -> int:
        """How many pieces of work are left."""
        return self._unfinished

    def _run(self) -> None:
        with nesting.suspended():
            while True:
                try:
                    work = self._queue.get(timeout=_IDLE_SECONDS)
                except queue.Empty:
                    with self._lock:
                        if self._unfinished == 0:
                            if self._thread is threading.current_thread():
                                self._thread = None
                            return
                    continue
                self._do(work)
                del work

    def _do(self, work: _Work) -> None:
        try:
            with self.working:
                work.function(*work.arguments)
        except Exception as error:
            with contextlib.suppress(Exception):
                work.failed(error)
        finally:
            with self._done:
                self._unfinished -= 1
                self._done.notify_all()


@dataclass
class _Process:
    background: Background = field(default_factory=Background)
    registered: bool = False
    held: bool = False


_process = _Process()


def defer(
    function: Callable[..., Any],
    *arguments: Any,
    failed: Callable[[Exception], None],
) -> None:
    """Do ``function(*arguments)`` on the background thread, after what was put there before."""
    if not _process.registered:
        _process.registered = True
        atexit.register(_finish)
    _process.background.put(function, arguments, failed)


def flush(timeout: float | None = None) -> bool:
    """Wait for everything deferred so far; False if ``timeout`` seconds passed first."""
    return _process.background.flush(timeout)


def _finish() -> None:
    if not flush(EXIT_SECONDS):
        _log.warning(
            "%d plots or files of training runs were not finished within %.0f s and are lost.",
            _process.background.unfinished,
            EXIT_SECONDS,
        )


def _before_fork() -> None:
    """Let the piece of work in hand end: a child must not inherit locks that it holds."""
    _process.held = _process.background.working.acquire(timeout=FORK_SECONDS)


def _after_fork_in_parent() -> None:
    if _process.held:
        _process.held = False
        _process.background.working.release()


def _after_fork_in_child() -> None:
    _process.held = False
    _process.background = Background()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
