"""One journal on disk: its owner file, its segments, and what is still to be read of them."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from chiplog.core.journal import format as form
from chiplog.core.journal import spare
from chiplog.core.journal.filesystem import is_local, journal_mode
from chiplog.core.journal.owner import OwnerFile
from chiplog.core.journal.segment import AppendedSegment, MappedSegment, MemorySegment

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.journal.filesystem import Mode
    from chiplog.core.journal.segment import Segment

_log = logging.getLogger("chiplog.journal")

FIRST_SIZE: Final = 1 << 16
LAST_SIZE: Final = 1 << 24
MEMORY_LIMIT: Final = 1 << 26
FRAME_RESERVE: Final = 1 << 24  # memory beyond the limit that points may not use
_RETRY_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 60.0  # between two warnings about the same
_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Portion(NamedTuple):
    """Some bytes of a stream.

    Attributes:
        first: the position of the first.
        data: the bytes.
        whole: whether they reach their segment's end.
        segment: the position at which their segment begins.
    """

    first: int
    data: bytes
    whole: bool
    segment: int


class Stream:
    """The segments of one journal id, written by this process.

    Its owner (a :class:`Journal`) serialises all changes; the writer thread only reads, and drops
    what was delivered.
    """

    def __init__(self, store_uri: str) -> None:
        self.journal_id = os.urandom(16).hex()
        self.seed = form.seed_of(self.journal_id)
        self.store_uri = store_uri
        self.directory: Path | None = None
        self.current: Segment | None = None
        self._segments: list[Segment] = []
        self._lock = threading.RLock()
        self._owner: OwnerFile | None = None
        self._mode: Mode | None = None
        self._index = 0
        self._next_size = FIRST_SIZE
        self._refused_at: float | None = None
        self.said_full = False  # and nobody has said yet that it is over
        self._said_full_at: float | None = None
        self._written = 0

    # Writing: called by the Journal, under its lock

    @property
    def on_disk(self) -> bool:
        """Whether what is written now outlives the process."""
        return self.current is None or self.current.path is not None

    def roll(self, prefix: bytes, data: bytes, *, frame: bool) -> bool:
        """Seal the current segment and go on in a new one that begins with ``prefix`` and ``data``.

        On disk if that can be had, else in memory as far as its limit goes (frames may go a
        little further). Hands back False if not even that can be had.
        """
        if self.on_disk:
            self.seal()  # an appended file ends where it is sealed; memory may be kept on failure
        first = prefix + data
        size = max(self._next_size, _round_up(8 * len(prefix)), _size_for(first))
        segment = self._disk_segment(size, first) or self._memory_segment(first, frame=frame)
        if segment is None:
            return False
        self.seal()
        self._add(segment)
        return True

    def back_to_disk(self, prefix: bytes) -> bool:
        """Go on on disk again if a second has passed since that failed and it works now."""
        if self.on_disk or self._mode == "memory" or not self._may_retry():
            return False
        segment = self._disk_segment(max(FIRST_SIZE, _size_for(prefix)), prefix)
        if segment is None:
            return False
        self.seal()
        self._add(segment)
        return True

    def seal(self) -> None:
        """Refuse further writes to the current segment."""
        if self.current is not None:
            self._written = self.written()
            self.current.seal()

    def _add(self, segment: Segment) -> None:
        segment.prepare()
        self._index += 1
        with self._lock:
            self._segments.append(segment)
            self.current = segment

    def _begin(self, segment: Segment, first: bytes) -> Segment:
        """Write the header and what comes first."""
        size = segment.capacity if isinstance(segment, MappedSegment) else 0
        header = form.Header(self.journal_id, self._index, segment.start, size)
        try:
            segment.write(form.pack_header(header) + first)
        except ValueError as refused:
            _remove(segment)
            if isinstance(refused.__cause__, OSError):
                raise refused.__cause__ from None
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from refused
        return segment

    def _may_retry(self) -> bool:
        return self._refused_at is None or time.monotonic() - self._refused_at >= _RETRY_SECONDS

    def _disk_segment(self, size: int, first: bytes) -> Segment | None:
        if self._mode == "memory" or not self._may_retry():
            return None
        try:
            segment = self._create(size, first)
        except OSError as error:
            self._refused_at = time.monotonic()
            if self._said_full_at is None or self._refused_at - self._said_full_at > _QUIET_SECONDS:
                self._said_full_at = self._refused_at
                self.said_full = True
                _log.warning(
                    "Journal files cannot be written in %s (%s); training goes on. Records are "
                    "kept in memory, up to %d MiB, and still delivered to %s; a killed process "
                    "would lose them. %s",
                    self.directory,
                    error.strerror or error,
                    MEMORY_LIMIT >> 20,
                    self.store_uri,
                    _advice(error),
                )
            return None
        self._refused_at = None
        self._next_size = min(LAST_SIZE, size * 2)
        return segment

    def _create(self, size: int, first: bytes) -> Segment | None:
        smallest = max(_size_for(first), min(size, FIRST_SIZE))
        assert self.directory is not None
        if self._owner is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._mode = journal_mode(self.directory)
            if self._mode == "memory":
                return None
            self._owner = OwnerFile(
                self.directory, self.journal_id, self.store_uri, lock=is_local(self.directory)
            )
            spare.make(self._spare_path(self.directory))
        kind = MappedSegment if self._mode == "mapped" else AppendedSegment
        while True:
            path = self.directory / segment_name(self.journal_id, self._index)
            try:
                return self._begin(kind(path, self._start_of_next(), size), first)
            except FileExistsError:
                self._index += 1  # a signal broke into an earlier attempt
            except OSError as error:
                if error.errno not in _NO_SPACE or size <= smallest:
                    raise
                size = max(smallest, _round_up(size // 8))

    def _memory_segment(self, first: bytes, *, frame: bool) -> Segment | None:
        smallest = _size_for(first)
        with self._lock:
            used = sum(s.capacity for s in self._segments if s.path is None)
        size = max(smallest, FIRST_SIZE if used < LAST_SIZE else LAST_SIZE >> 2)
        limit = MEMORY_LIMIT + FRAME_RESERVE if frame else MEMORY_LIMIT
        if used + size > limit:
            size = smallest
        if used + size > limit:
            return None
        try:
            return self._begin(MemorySegment(self._start_of_next(), size), first)
        except (OSError, MemoryError):
            return None

    def _start_of_next(self) -> int:
        return 0 if self.current is None else self.current.start + self.current.capacity

    def _spare_path(self, directory: Path) -> Path:
        return directory / f"{self.journal_id}{spare.SUFFIX}"

    # Reading: called by the writer thread

    def end(self) -> int:
        """The position after the last byte written."""
        with self._lock:
            return 0 if self.current is None else self.current.start + self.current.end()

    def written(self) -> int:
        """About the position after the last record: before the blank end of a sealed segment."""
        current = self.current
        end = 0 if current is None else current.start + current.end()
        is_full = current is not None and end == current.start + current.capacity
        return self._written if is_full and self._written else end

    def read(self, position: int, limit: int) -> Portion | None:
        """Bytes at the first written position from ``position`` on, at most about ``limit``.

        None if all was read.
        """
        with self._lock:
            segments = list(self._segments)
        for segment in segments:
            end = segment.end()
            first = max(position - segment.start, form.HEADER_SIZE)
            if first < end:
                last = min(end, first + limit)
                data = segment.read(first, last)
                return Portion(segment.start + first, data, last == end, segment.start)
        return None

    def left(self, position: int, *, in_memory: bool = False) -> int:
        """About how many bytes lie after ``position``, in memory only if so asked."""
        written = self.written()
        with self._lock:
            segments = [s for s in self._segments if s.path is None or not in_memory]
        return sum(
            max(0, min(s.start + s.end(), written) - max(position, s.start + form.HEADER_SIZE))
            for s in segments
        )

    def save(self, position: int) -> spare.Saved:
        """Write to disk what lies in memory only after ``position``; what found room there.

        The stream is sealed. Records have the spare room; of points, the latest go first.
        """
        directory = self.directory
        with self._lock:
            segments = [s for s in self._segments if s.path is None]
        unsaved: list[spare.Unsaved] = []
        for segment in segments:
            data = segment.read(0, segment.end())
            if directory is not None and segment.start + len(data) > position:
                index = form.parse_header(data).index
                segment.path = directory / segment_name(self.journal_id, index)
                first = max(form.HEADER_SIZE, position - segment.start)
                unsaved.append(spare.Unsaved(segment.path, data, first))
        if directory is None or not unsaved:
            return spare.Saved()
        return spare.save(unsaved, self._spare_path(directory), self.seed)

    def sync(self, position: int) -> None:
        """Make what lies after ``position`` safe against a power failure."""
        with self._lock:
            segments = [s for s in self._segments if s.start + s.end() > position]
        for segment in segments:
            segment.sync()

    def prepare(self) -> None:
        """Have memory ready for what is written next."""
        current = self.current
        if current is not None:
            current.prepare()

    def drop_before(self, position: int) -> None:
        """Remove segments that end at or before ``position``, except the current one."""
        with self._lock:
            done = [
                s for s in self._segments if s is not self.current and s.start + s.end() <= position
            ]
            self._segments = [s for s in self._segments if s not in done]
        for segment in done:
            _remove(segment)

    def renew_owner(self) -> None:
        """Keep the owner file safe and locked."""
        if self._owner is not None:
            with contextlib.suppress(OSError):
                self._owner.renew()

    def abandon(self) -> None:
        """Let go of everything and leave the files to the parent: called in a forked child."""
        with self._lock:
            segments, self._segments, self.current = self._segments, [], None
        for segment in segments:
            segment.close()
        if self._owner is not None:
            self._owner.release()

    def remove(self, *, keep_owner: bool = False) -> None:
        """Remove every file, the owner's last; or all but that, so that recovery looks at it."""
        with self._lock:
            segments, self._segments, self.current = self._segments, [], None
        for segment in segments:
            _remove(segment)
        if self._owner is not None:
            self._owner.release()
            spare.give_up(self._spare_path(self._owner.path.parent))
            if not keep_owner:
                with contextlib.suppress(OSError):
                    self._owner.path.unlink()


def segment_name(journal_id: str, index: int) -> str:
    """The file name of a segment."""
    return f"{journal_id}.{index:06d}.seg"


def _size_for(first: bytes) -> int:
    """The smallest size of a segment that begins with these bytes and has room for a point."""
    return _round_up(form.HEADER_SIZE + len(first) + form.SLOT)


def _round_up(size: int) -> int:
    return (size + 4095) // 4096 * 4096


def _remove(segment: Segment) -> None:
    segment.close()  # first: Windows does not remove an open file
    if segment.path is not None:
        with contextlib.suppress(OSError):
            segment.path.unlink()


def _advice(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Free some space or set CHIPLOG_JOURNAL_DIR."
    return (
        "Set CHIPLOG_TRACKING_URI to a folder that can be written, or CHIPLOG_JOURNAL_DIR to keep "
        "the journal alone elsewhere."
    )
