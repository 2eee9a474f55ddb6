"""The thread that delivers every journal of this process to its store.

It wakes at once when a run starts or ends or somebody waits, five times a second while points come
in, and hardly ever when none do. A store that fails is tried again for ever, less and less often;
the training never notices.
"""

from __future__ import annotations

import logging
import threading
import time
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple

from chiplog.core.journal.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chiplog.core.journal.journal import Journal
    from chiplog.core.journal.stream import Stream

_log = logging.getLogger("chiplog.journal")

_POLL: Final = 0.2
_IDLE: Final = 10.0
_GATHER: Final = 0.01  # how long an urgent record waits for company
_SYNC: Final = 1.0
_QUIET_ROUNDS: Final = 10
_HANDOVER: Final = 1.0
_LOOK: Final = 0.5


class _Call(IntEnum):
    """Why the writer is woken."""

    SOON = 0
    URGENT = 1
    NOW = 2


class Left(NamedTuple):
    """What of a stream is not delivered yet.

    Attributes:
        stream: the stream.
        position: up to where it is delivered.
        records: about how many records and points are left.
        unsafe: about how many of those are in memory only.
    """

    stream: Stream
    position: int
    records: int
    unsafe: int


class Writer:
    """Drains the journals of this process; its thread starts when there is something to drain."""

    def __init__(self) -> None:
        # Reentrant primitives only: signal handlers and finalizers record too.
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._progress = threading.Condition()
        self._draining = threading.Lock()
        self._drainer: int | None = None
        self._lines: dict[str, Line] = {}
        self._thread: threading.Thread | None = None
        self._starting = False
        self._stopped = threading.Event()
        self._synced_at = time.monotonic()

    def add(self, journal: Journal, stream: Stream) -> None:
        """Deliver a stream from now on."""
        self._lines[stream.journal_id] = Line(journal, stream, self._notify)
        self._start()

    def wake(self, *, urgent: bool = False) -> None:
        """Say that there is something to deliver, at once or soon."""
        self._calls.put(_Call.URGENT if urgent else _Call.SOON)

    def flush(self, streams: Sequence[Stream], timeout: float | None) -> bool:
        """Wait until what was written to streams is delivered; False if it can't be for now."""
        targets = [(line, line.stream.end()) for line in self._lines_of(streams)]
        return self._wait(
            [line for line, _ in targets],
            lambda: all(line.position >= end for line, end in targets),
            timeout,
        )

    def close(self, streams: Sequence[Stream], timeout: float | None) -> bool:
        """Deliver the rest of sealed streams and remove their files.

        False if that is not so after ``timeout`` seconds, or if a store is down; the files stay,
        and as long as this process lives their delivery goes on.
        """
        lines = self._lines_of(streams)
        for line in lines:
            line.closing = True
        return self._wait(lines, lambda: not self._lines_of(streams), timeout)

    def left(self, streams: Sequence[Stream]) -> list[Left]:
        """What is left of the streams that are not closed yet."""
        return [
            Left(line.stream, line.position, line.left, line.unsafe)
            for line in self._lines_of(streams)
        ]

    def streams(self) -> list[Stream]:
        """The streams that are not delivered, synced and removed yet."""
        return [line.stream for line in list(self._lines.values())]

    def forget(self, store_uri: str) -> None:
        """Deliver no more to a store, and remove what was kept for it: tests break stores."""
        for journal_id, line in list(self._lines.items()):
            if line.stream.store_uri == store_uri:
                del self._lines[journal_id]
                line.stream.remove()

    def _lines_of(self, streams: Sequence[Stream]) -> list[Line]:
        found = (self._lines.get(stream.journal_id) for stream in streams)
        return [line for line in found if line is not None]

    def _wait(self, lines: Sequence[Line], done: Callable[[], bool], timeout: float | None) -> bool:
        if done():
            return True
        if self._drainer == threading.get_ident():
            return False  # a hook or a finalizer asks, on the very thread that is to deliver
        for line in lines:
            line.hurry()
        if not self._start():
            self._drain_here()
            return done()
        self._calls.put(_Call.NOW)
        began = time.monotonic()
        deadline = None if timeout is None else began + timeout
        with self._progress:
            while not done() and not _hopeless(lines, began):
                left = _LOOK if deadline is None else min(_LOOK, deadline - time.monotonic())
                if left <= 0:
                    break
                self._progress.wait(left)
        return done()

    # The thread

    def _start(self) -> bool:
        """Start the thread unless it runs; False where no thread can be started any more."""
        if self._thread is not None and self._thread.is_alive():
            return True
        if self._starting or not self._lines:
            return False
        self._starting = True
        try:
            self._stopped = threading.Event()
            thread = threading.Thread(
                target=self._run, args=(self._stopped,), name="chiplog-writer", daemon=True
            )
            thread.start()
            self._thread = thread
        except RuntimeError:  # the interpreter is on its way out
            return False
        finally:
            self._starting = False
        return True

    def stop(self, timeout: float) -> None:
        """End the thread, as before a fork. What is left stays to be drained."""
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            return
        self._thread = None
        self._stopped.set()
        self._calls.put(_Call.NOW)
        thread.join(timeout)
        self._stopped = threading.Event()

    def restart(self) -> None:
        """Start the thread again after :meth:`stop`."""
        self._start()

    def _run(self, stopped: threading.Event) -> None:
        quiet_rounds = 0
        while True:
            self._pause(_IDLE if quiet_rounds > _QUIET_ROUNDS else _POLL)
            if stopped.is_set():
                return
            busy = self._drain_here()
            quiet_rounds = 0 if busy else quiet_rounds + 1
            if quiet_rounds == _QUIET_ROUNDS and not self._arm():
                quiet_rounds = 0

    def _pause(self, longest: float) -> None:
        """Wait until there is a reason to drain."""
        until = time.monotonic() + longest
        while True:
            try:
                call = self._calls.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return
            if call is _Call.NOW:
                return
            delay = _GATHER if call is _Call.URGENT else _POLL
            until = min(until, time.monotonic() + delay)

    def _drain_here(self) -> bool:
        """Deliver what there is, on this thread; whether there was anything."""
        if not self._draining.acquire(timeout=_HANDOVER):
            return False
        self._drainer = threading.get_ident()
        busy = False
        try:
            for line in list(self._lines.values()):
                while line.drain():
                    busy = True
                    if self._stopped.is_set():
                        return busy
                    self._sync_if_due()
                busy = busy or line.is_behind
                if line.closing and line.try_to_close():
                    del self._lines[line.stream.journal_id]
                    self._notify()
            self._sync_if_due()
        except Exception:
            _log.exception("The journal's writer stumbled; it goes on.")
        finally:
            self._drainer = None
            self._draining.release()
        return busy

    def _sync_if_due(self) -> None:
        now = time.monotonic()
        if now - self._synced_at >= _SYNC:
            self._synced_at = now
            for line in list(self._lines.values()):
                line.sync()

    def _arm(self) -> bool:
        """Prepare a long sleep; False if something came in meanwhile."""
        lines = list(self._lines.values())
        for line in lines:
            line.arm()
        return not any(line.is_behind for line in lines)

    def _notify(self) -> None:
        with self._progress:
            self._progress.notify_all()


def _hopeless(lines: Sequence[Line], since: float) -> bool:
    """Whether all that is still to come waits for stores that were down after ``since``."""
    waiting = [line for line in lines if line.is_behind]
    return bool(waiting) and all(line.is_hopeless(since) for line in waiting)


_writer = Writer()


def writer() -> Writer:
    """This process's writer."""
    return _writer


def begin_writer_in_child() -> None:
    """Give a forked child a writer of its own."""
    global _writer  # noqa: PLW0603 - one per process
    _writer = Writer()
