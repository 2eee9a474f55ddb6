"""A journal of this process on its way to the store: what the writer thread works on."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Final

from chiplog.core.artifacts import outbox
from chiplog.core.journal import format as form
from chiplog.core.journal.delivery import (
    Delivery,
    RefusalReporter,
    Stretch,
    resolve,
)
from chiplog.core.journal.keeping import describe_rejected, keep_rejected
from chiplog.core.records import Series
from chiplog.core.stores import open_tracking_store
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.journal.journal import Journal
    from chiplog.core.journal.stream import Stream
    from chiplog.core.records import Record

_log = logging.getLogger("chiplog.journal")

_FIRST_DELAY: Final = 0.1
_LAST_DELAY: Final = 30.0
_HURRIED_DELAY: Final = 0.05
_DOWN_SECONDS: Final = 3.0
_QUIET_SECONDS: Final = 60.0  # between two warnings about the same


class LiveSource:
    """A stream of this process as something to deliver; its own bytes are trusted."""

    def __init__(self, journal: Journal, stream: Stream) -> None:
        self._journal = journal
        self._stream = stream
        self._series: dict[int, Series] = {}  # as the segment and the one before it define them
        self._segment: int | None = None
        self._defined_here: dict[int, Series] = {}
        self._learned_to = 0

    @property
    def journal_id(self) -> str:
        """The journal's id."""
        return self._stream.journal_id

    def stretch(self, position: int, limit: int) -> Stretch | None:
        """What lies at ``position`` and after, about ``limit`` bytes of it."""
        stream, asked = self._stream, limit
        while (found := stream.read(position, asked)) is not None:
            first, data, whole, segment = found
            decoded = form.decode(data, 0, limit, stream.seed, trusted=True)
            if decoded.items:
                records = self._take_records(segment, first, first + decoded.end, decoded.payloads)
                points = resolve(decoded.points, self._meaning)
                self._journal.count_lost(len(decoded.points) - sum(map(len, points)))
                last = first + (len(data) if decoded.blank and whole else decoded.end)
                return Stretch(first, last, decoded.items, records, points)
            if decoded.blank:  # the unused end of a sealed segment
                return Stretch(first, first + len(data), 0, [], [])
            if whole:
                return None
            asked *= 2  # the beginning of a long frame
        return None

    def _take_records(
        self, segment: int, first: int, last: int, payloads: list[bytes]
    ) -> list[Record]:
        """The records of a stretch, the definitions of series learned and left out."""
        if segment != self._segment:
            self._segment, self._learned_to = segment, segment + form.HEADER_SIZE
            self._series, self._defined_here = self._defined_here, {}
        if first > self._learned_to:  # another process delivered what came before
            found = self._stream.read(self._learned_to, first - self._learned_to)
            if found is not None and found.segment == segment:
                skipped = form.decode(
                    found.data, 0, len(found.data), self._stream.seed, trusted=True
                )
                self._learn(skipped.payloads)
        self._learned_to = max(self._learned_to, last)
        return self._learn(payloads)

    def _learn(self, payloads: list[bytes]) -> list[Record]:
        records: list[Record] = []
        for payload in payloads:
            record = form.decode_record(payload)
            if isinstance(record, Series):
                self._defined_here[record.number] = record
            else:
                records.append(record)
        return records

    def _meaning(self, number: int) -> Series | None:
        """The series of a number; a signal's definition may come after its first point."""
        return (
            self._defined_here.get(number)
            or self._journal.series(number)
            or self._series.get(number)
        )

    def set_aside(self, stretch: Stretch, reason: str) -> None:
        """Keep the bytes of a stretch beside the journal, and say so."""
        found = self._stream.read(stretch.first, stretch.last - stretch.first)
        assert found is not None
        path = keep_rejected(self._journal.directory, self.journal_id, found.data, reason)
        _log.warning("%s", describe_rejected(path, reason))


class Line:
    """A stream, how far it is delivered, and how the store has been doing.

    Attributes:
        stream: what is delivered.
        closing: nothing more is written to it; it goes when all is delivered and synced.
    """

    def __init__(self, journal: Journal, stream: Stream, on_progress: Callable[[], None]) -> None:
        self.stream = stream
        self.closing = False
        self._journal = journal
        self._on_progress = on_progress
        self._delivery = Delivery(
            LiveSource(journal, stream),
            on_applied=self._applied,
            on_refused=RefusalReporter(self._count_refusal),
        )
        self._failing_since: float | None = None
        self._said_at: float | None = None  # when the user was told that the store fails
        self._said = False  # of the outage that lasts
        self._attempts = 0
        self._attempted_at = 0.0
        self._retry_at = 0.0
        self._unsynced = False
        self._synced_to = 0

    @property
    def position(self) -> int:
        """Up to where everything is delivered."""
        return self._delivery.position

    @property
    def left(self) -> int:
        """About how many records are waiting to be delivered."""
        return self.stream.left(self.position) // form.SLOT

    @property
    def unsafe(self) -> int:
        """About how many of those lie in memory only, and go with the process."""
        return self.stream.left(self.position, in_memory=True) // form.SLOT

    @property
    def is_behind(self) -> bool:
        """Whether something is waiting to be delivered."""
        return self.position < self.stream.end()

    @property
    def is_down(self) -> bool:
        """Whether the store has been failing for some seconds."""
        since = self._failing_since
        return since is not None and time.monotonic() - since > _DOWN_SECONDS

    @property
    def wait(self) -> float:
        """How many seconds to wait before the store is tried again."""
        return max(0.0, self._retry_at - time.monotonic())

    def is_hopeless(self, since: float) -> bool:
        """Whether the store is down, and was tried again after ``since``."""
        return self.is_down and self._attempted_at >= since

    def hurry(self) -> None:
        """Try the store again soon, whatever it did before."""
        self._retry_at = min(self._retry_at, self._attempted_at + _HURRIED_DELAY)

    def drain(self) -> bool:
        """Deliver a batch; whether there may be more to deliver at once."""
        if self.wait:
            return False
        try:
            if not self.is_behind:
                return False
            self.stream.prepare()
            more = self._delivery.step(open_tracking_store(self.stream.store_uri))
        except Exception as error:
            self._failed(error)
            return False
        self._succeeded()
        return more

    def sync(self) -> None:
        """Make what was recorded safe against a power failure, and drop what is not needed."""
        try:
            if self._unsynced:
                open_tracking_store(self.stream.store_uri).sync()
                self._unsynced = False
            self._synced_to = self.position
            end = self.stream.end()
            if end > self.position:
                self.stream.sync(self.position)
                self.stream.renew_owner()
                self.stream.prepare()
        except Exception as error:
            _log.debug("Syncing %s failed: %s", self.stream.store_uri, error)
        self.stream.drop_before(self._synced_to)
        self._journal.seek_room(self.stream)

    def arm(self) -> None:
        """Have the next point wake the writer."""
        self._journal.arm(self.stream)

    def try_to_close(self) -> bool:
        """Remove the files of a stream that is closing, if all is delivered and synced."""
        if self.is_behind:
            return False
        self.sync()
        if self._unsynced:
            return False
        self.stream.remove(keep_owner=not self._bring_files())
        return True

    def _bring_files(self) -> bool:
        """Bring files that waited for the store to their places; False if they have to wait on."""
        directory = self.stream.directory
        if directory is None:
            return True
        folder = outbox.folder_of(directory, self.stream.journal_id)
        if not folder.is_dir():
            return True
        try:
            outbox.deliver(open_tracking_store(self.stream.store_uri), folder)
        except Exception as error:
            _log.warning(
                "Files of runs could not be brought to their places and stay in %s; the next "
                "process that opens the store, or `chiplog sync`, tries again. %s: %s",
                folder,
                type(error).__name__,
                error,
            )
            return False
        return True

    def _applied(self, stretch: Stretch) -> None:
        self._unsynced = True
        if not stretch.points:
            return
        try:
            plugins().hook.chiplog_metrics_recorded(points=stretch.points)
        except Exception as error:  # the manager reports; in strict mode it raises
            _log.warning("A plugin failed in chiplog_metrics_recorded: %r", error)

    def _count_refusal(self, run_id: str) -> None:
        self._journal.refused[run_id] += 1

    def _failed(self, error: Exception) -> None:
        now = time.monotonic()
        self._attempted_at = now
        self._attempts += 1
        delay = min(_LAST_DELAY, _FIRST_DELAY * 2 ** min(self._attempts - 1, 12))
        jitter = os.urandom(1)[0] / 255  # not random(): its state is the user's
        self._retry_at = now + delay * (0.5 + 0.5 * jitter)
        if self._failing_since is None:
            self._failing_since = now
            self._say_failed(error)
        self._on_progress()

    def _say_failed(self, error: Exception) -> None:
        """Warn, but not again and again of a store that comes and goes, such as a full disk's."""
        now = time.monotonic()
        self._said = self._said_at is None or now - self._said_at > _QUIET_SECONDS
        if self._said:
            self._said_at = now
            _log.warning(
                "%s cannot be written for now; training goes on, and what is recorded is kept in "
                "%s and delivered later. %s: %s",
                self.stream.store_uri,
                self.stream.directory if self.stream.on_disk else "memory",
                type(error).__name__,
                error,
                exc_info=error if _log.isEnabledFor(logging.DEBUG) else None,
            )

    def _succeeded(self) -> None:
        if self._failing_since is not None:
            if self._said:
                _log.warning(
                    "%s can be written again, after %.0f s; what was recorded meanwhile is being "
                    "delivered.",
                    self.stream.store_uri,
                    time.monotonic() - self._failing_since,
                )
            self._failing_since = None
        self._attempts = 0
        self._on_progress()
