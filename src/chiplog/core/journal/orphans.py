"""Recovery on a thread of its own: what dead processes left is no reason to wait for who writes.

Who reads waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from chiplog.core.journal.files import find_journals
from chiplog.core.journal.recovery import RecoveryReport, directories_of, recover
from chiplog.core.waiting import wait_visibly

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore

_log = logging.getLogger("chiplog.journal")

_LOOK_AGAIN_SECONDS: Final = 5.0
_PAUSE: Final = 100.0  # how many times longer than a look the pause after it is, at most the above


class Recovery:
    """One look for orphans of a store, and their delivery.

    Attributes:
        report: what was found; to be looked at when it is over.
    """

    def __init__(self, store: TrackingStore) -> None:
        self.report = RecoveryReport()
        self._store = store
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._said = False
        self.began = self.ended = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether all that was found has been delivered."""
        return self._done.is_set()

    @property
    def is_due(self) -> bool:
        """Whether it is time for another look after this one."""
        pause = min(_LOOK_AGAIN_SECONDS, _PAUSE * (self.ended - self.began))
        return self.is_over and time.monotonic() - self.ended > pause

    def begin(self) -> None:
        """Start, unless there is nothing to do."""
        try:
            if not any(find_journals(directory) for directory in directories_of(self._store)):
                self.ended = time.monotonic()
                self._done.set()
                return
            self._thread = threading.Thread(target=self._run, name="chiplog-recovery", daemon=True)
            self._thread.start()
        except (OSError, RuntimeError):  # no working directory, or no thread to be had
            self._run()

    def _run(self) -> None:
        try:
            self.report = recover(self._store)
        finally:
            self.ended = time.monotonic()
            self._done.set()

    def wait(self, limit: float) -> None:
        """Wait until it is over; past ``limit`` seconds, say what may be missing and go on."""
        if self.is_over or self._thread is threading.current_thread():
            return
        what = "what processes that died had logged"
        if not wait_visibly(f"Delivering {what}", self._done.wait, limit) and not self._said:
            self._said = True
            _log.warning(
                "%s is still being delivered to %s, for %.0f s by now. Until that is done, runs "
                "may look as if they were running, and their last points are missing.",
                what.capitalize(),
                self._store.uri,
                time.monotonic() - self.began,
            )


_recoveries: dict[str, Recovery] = {}


def begin_recovery(store: TrackingStore) -> Recovery:
    """Look for what dead processes left for a store, and deliver it in the background."""
    recovery = _recoveries[store.uri] = Recovery(store)
    recovery.begin()
    return recovery


def wait_until_recovered(store: TrackingStore, limit: float) -> None:
    """Wait until what dead processes left for a store can be read, at most ``limit`` seconds.

    Looks for it anew, since processes die at any time, a pool's workers for instance; but not so
    often that looking takes more than a small part of the time.
    """
    recovery = _recoveries.get(store.uri)
    if recovery is None or recovery.is_due:
        recovery = begin_recovery(store)
    recovery.wait(limit)


def begin_recoveries_in_child() -> None:
    """Forget, in a forked child, what the parent's threads do."""
    _recoveries.clear()
