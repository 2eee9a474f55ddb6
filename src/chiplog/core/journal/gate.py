"""Keeping recovery out of every store for the moment of a fork.

A child has one thread only. Were another thread inside a store while it is forked, the child would
have that thread's locks and half-done transactions, and nobody to end them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Gate:
    """Counts who is inside, and who wants nobody to be."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closers = 0

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        with self._changed:
            while self._closers:
                self._changed.wait()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def shut(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        with self._changed:
            self._closers += 1
            while self._inside and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def open_again(self) -> None:
        with self._changed:
            self._closers -= 1
            self._changed.notify_all()


_gate = _Gate()


def passing() -> contextlib.AbstractContextManager[None]:
    """Held by whoever delivers another process's journal, for one batch at a time."""
    return _gate.passing()


def shut(timeout: float) -> None:
    """Wait until nobody is inside, at most ``timeout`` seconds, and let nobody enter."""
    _gate.shut(timeout)


def open_again() -> None:
    """Undo one :func:`shut`; several threads may have called it."""
    _gate.open_again()


def begin_in_child() -> None:
    """Have a gate of its own in a forked child, with nobody inside."""
    global _gate  # noqa: PLW0603 - one per process
    _gate = _Gate()
