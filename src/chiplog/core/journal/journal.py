"""The journal of this process for one store: where everything that is recorded goes first.

``append`` is the hot path: one checksum and one copy into mapped memory, no lock. What it writes
is in the kernel's hands when it returns, so killing the process loses nothing. Whenever a segment
has no room left, the write is refused and the slow path, under a lock, rolls to another one.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final
from zlib import crc32

from chiplog.core.config import env
from chiplog.core.journal import format as form
from chiplog.core.journal.definitions import Definitions
from chiplog.core.journal.filesystem import asked_mode
from chiplog.core.journal.stream import Stream
from chiplog.core.journal.writer import writer
from chiplog.core.location import journal_directory
from chiplog.core.records import RunRecorded, RunStarted, RunUpdated
from chiplog.core.stores import open_tracking_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chiplog.core.journal.segment import Segment
    from chiplog.core.records import Record, Series

_log = logging.getLogger("chiplog.journal")

_URGENT: Final = frozenset({RunStarted, RunUpdated, RunRecorded})


def _unopened(data: bytes) -> object:  # noqa: ARG001 - it takes the place of a write
    raise ValueError("No segment is open yet.")


class Target:
    """Where points go: ``now`` is what takes a slot, and the seed of its checksum.

    Both change in one step. What was the target before refuses, with a ValueError.
    """

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now: tuple[Callable[[bytes], object], int] = (_unopened, 0)


class Journal:
    """Where this process records what is meant for one store.

    Neither :meth:`append` nor :meth:`record` ever waits for the store or raises because of
    storage. A forked child's journal goes on under another id with the numbers it inherited.

    Attributes:
        store_uri: the store it is delivered to.
        append: ``append(number, step, timestamp, value)`` records a point of the series that
            :meth:`number` numbered; step and timestamp (ms) are 64-bit integers. A number is good
            until the end of its run is recorded.
        target: where points go now, for those who cannot afford the call of ``append``.
        lost: how many points and records could be kept nowhere.
        refused: how many entries the store refused, by run.
    """

    append: Callable[[int, int, int, float], None]

    def __init__(self, store_uri: str) -> None:
        self.store_uri = store_uri
        self.lost = 0
        self.refused: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._directory: Path | None = None
        self._definitions = Definitions()
        self._defining = False
        self._busy = False
        self._postponed: list[Callable[[int], bytes]] = []
        self._dropping = False
        self._lost_before = 0
        self._said_dropping = False
        self._armed = False
        self.target = Target()
        self.append = _hot_path(self.target, self._append_slowly)
        self._stream = Stream(store_uri)

    @property
    def journal_id(self) -> str:
        """The id under which this process's records are delivered for now."""
        return self._stream.journal_id

    @property
    def stream(self) -> Stream:
        """What is written for now."""
        return self._stream

    @property
    def directory(self) -> Path:
        """Where its files lie."""
        if self._directory is None:
            self._directory = self._find_directory()
        return self._directory

    def number(self, series: Series) -> int:
        """The number of a series in this process, to be given to :attr:`append`."""
        number = self._definitions.find(series)
        if number is not None:
            return number
        _ = self.directory
        with self._lock:
            number = self._definitions.find(series)
            if number is not None:
                return number
            defining, self._defining = self._defining, True
            try:
                defined = self._definitions.make(series)
                payload = form.encode_record(defined)
                self._write_slowly(lambda seed: form.pack_frame(payload, seed), frame=True)
                self._definitions.publish(series, defined.number)
            finally:
                self._defining = defining
            return defined.number

    def numbers_by_key(self, run_id: str) -> dict[str, int]:
        """The numbers of a run's series that belong to no model and no data set, by their keys.

        It is kept up to date, and emptied for good when the run ends: then ask again.
        """
        return self._definitions.by_key(run_id)

    def record(self, record: Record) -> None:
        """Record a fact about a run, in order with everything else this thread records."""
        payload = form.encode_record(record)
        stream, current = self._stream, self._stream.current
        try:
            if current is None:
                raise ValueError
            current.write(form.pack_frame(payload, stream.seed))
        except ValueError:
            self._write_slowly(lambda seed: form.pack_frame(payload, seed), frame=True)
        if type(record) in _URGENT:
            if type(record) is RunUpdated and record.end_time is not None:
                self._retire(record.run_id)
            writer().wake(urgent=True)
        elif self._armed:
            self._disarm()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything recorded before the call can be read from the store.

        Hands back False if that is not so after ``timeout`` seconds, or as soon as the store is
        known to be down; delivery goes on in the background.
        """
        return writer().flush([self._stream], timeout)

    def _retire(self, run_id: str) -> None:
        """Forget what the numbers of a run that has ended mean; see :mod:`.definitions`."""
        with self._lock:
            if not self._busy and not self._defining:  # else a signal broke into either
                self._definitions.retire(run_id)

    @property
    def unsafe(self) -> int:
        """About how many records are in memory only, undelivered: they go with the process."""
        return sum(left.unsafe for left in writer().left([self._stream]))

    # The slow path

    def _append_slowly(self, number: int, step: int, timestamp: int, value: float) -> None:
        def make(seed: int) -> bytes:
            return form.pack_sealed_point(number, step, timestamp, value, seed)

        self._write_slowly(make, frame=False)

    def _write_slowly(self, make: Callable[[int], bytes], *, frame: bool) -> None:
        directory = self.directory  # may open the store, so not under the lock
        with self._lock:
            if self._busy:
                # A signal handler or finalizer broke into this very function on this thread.
                self._postponed.append(make)
                return
            self._busy = True
            try:
                self._stream.directory = directory
                self._put(make, frame=frame)
                while self._postponed:
                    self._put(self._postponed.pop(0), frame=True)
            finally:
                self._busy = False

    def _put(self, make: Callable[[int], bytes], *, frame: bool) -> None:
        stream = self._stream
        data = make(stream.seed)
        may_be_written = frame or not self._dropping
        if may_be_written and _written(stream.current, data):
            return
        if not (may_be_written and self._roll(data, frame=frame)):
            self._drop(data)

    def _roll(self, data: bytes, *, frame: bool) -> bool:
        """Write to a new segment and turn the hot path to it; False if there is no room for one."""
        stream = self._stream
        is_first = stream.current is None
        too_long = len(data) > form.frame_size(form.MAX_PAYLOAD)
        if too_long or not stream.roll(self._prefix(), data, frame=frame):
            if not frame:
                self._dropping = True
                self.target.now = (self._drop, stream.seed)
            return False
        if is_first:
            from chiplog.core.journal.closing import close_with_multiprocessing

            writer().add(self, stream)
            close_with_multiprocessing()
        if not self._dropping:
            self._go_on()
        writer().wake(urgent=not is_first)
        return True

    def _go_on(self) -> None:
        """Turn the hot path to the current segment."""
        current = self._stream.current
        self._armed = False
        write = _unopened if current is None else current.write
        self.target.now = (write, self._stream.seed)

    def _prefix(self) -> bytes:
        return self._definitions.prefix(self._stream.seed)

    def _drop(self, data: bytes) -> None:  # noqa: ARG002 - it takes the place of a write
        with self._lock:
            self.lost += 1
            if not self._said_dropping:
                self._said_dropping = True
                _log.warning(
                    "There is no room left for the journal, on disk (%s) or in memory; training "
                    "goes on, but what is logged now is lost until there is room again.",
                    self._directory,
                )

    # Called by the writer thread

    def series(self, number: int) -> Series | None:
        """The series of a number, unless its run has ended."""
        return self._definitions.get(number)

    def count_lost(self, points: int) -> None:
        """Count points whose numbers mean nothing: a thread was slow, and their run has ended."""
        if points:
            self.lost += points
            _log.warning(
                "%d points were recorded while their run was ended elsewhere, and are lost.", points
            )

    def seek_room(self, stream: Stream) -> None:
        """Go back to the disk, or out of dropping, if that is possible by now."""
        if stream.on_disk and not self._dropping:
            return
        with self._lock:
            if self._busy or stream is not self._stream or stream.current is None:
                return
            self._busy = True
            try:
                was_dropping = self._dropping
                found = stream.back_to_disk(self._prefix())
                if not found and was_dropping:
                    found = stream.roll(self._prefix(), b"", frame=False)
                if found:
                    self._dropping = False
                    self._go_on()
            finally:
                self._busy = False
        if found and (stream.on_disk or was_dropping):
            self._say_recovered()

    def _say_recovered(self) -> None:
        lost, self._lost_before = self.lost - self._lost_before, self.lost
        if not (lost or self._stream.said_full):
            return
        self._stream.said_full = self._said_dropping = False
        _log.warning(
            "The journal in %s has room again; %s.",
            self._directory,
            f"{lost} records were lost in between" if lost else "nothing was lost",
        )

    def arm(self, stream: Stream) -> None:
        """Have the next append wake the writer, which is about to sleep for long."""
        with self._lock:
            current = stream.current
            if current is None or stream is not self._stream or self._busy or self._dropping:
                return
            write = current.write

            def wake_and_write(data: bytes) -> object:
                self._disarm()
                return write(data)

            self._armed = True
            self.target.now = (wake_and_write, self._stream.seed)

    def _disarm(self) -> None:
        with self._lock:
            if self._armed:
                self._go_on()
        writer().wake()

    def detach(self) -> None:
        """Seal what was written so far; a later record opens a new journal."""
        with self._lock:
            self._stream.seal()
            self._stream = Stream(self.store_uri)
            self._dropping = False
            self._go_on()

    def begin_in_child(self) -> None:
        """Turn to a new journal in a forked child, without touching the parent's."""
        self._lock = threading.RLock()
        self._busy = self._dropping = self._defining = False
        self._postponed = []
        self._stream.abandon()
        self._stream = Stream(self.store_uri)
        self.lost = self._lost_before = 0
        self.refused = Counter()
        self._go_on()

    def _find_directory(self) -> Path:
        if env("JOURNAL_DIR"):
            return journal_directory()
        try:
            place = open_tracking_store(self.store_uri).journal_directory
        except Exception as error:
            _log.debug("The store %s cannot be opened for now: %s", self.store_uri, error)
            place = None
        return place or journal_directory()


_journals: dict[str, Journal] = {}
_opening = threading.RLock()


def open_journal(store_uri: str) -> Journal:
    """This process's journal for a store; opens no file before something is recorded."""
    journal = _journals.get(store_uri)
    if journal is None:
        asked_mode()  # a setting that makes no sense is said here, where it may be raised
        with _opening:
            journal = _journals.setdefault(store_uri, Journal(store_uri))
    return journal


def open_journals() -> list[Journal]:
    """Every journal this process has asked for."""
    return list(_journals.values())


def _written(segment: Segment | None, data: bytes) -> bool:
    if segment is None:
        return False
    try:
        segment.write(data)
    except ValueError:
        return False
    return True


def _hot_path(
    target: Target, append_slowly: Callable[[int, int, int, float], None]
) -> Callable[[int, int, int, float], None]:
    """An ``append`` with everything it needs in its closure."""
    pack, seal, checksum = form.pack_point, form.seal_point, crc32

    def append(number: int, step: int, timestamp: int, value: float) -> None:
        write, seed = target.now
        body = pack(number, step, timestamp, value)
        try:
            write(seal(checksum(body, seed), body))
        except ValueError:
            append_slowly(number, step, timestamp, value)

    return append


def begin_journals_in_child() -> None:
    """Turn every journal to a new one in a forked child."""
    global _opening  # noqa: PLW0603 - another thread of the parent may have held it
    _opening = threading.RLock()
    for journal in _journals.values():
        journal.begin_in_child()
