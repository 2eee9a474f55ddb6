"""One stretch of a journal: a mapped file, an appended file, or memory.

``write`` is all or nothing and atomic between threads; it raises ValueError when the segment is
full, sealed or closed, which is how the hot path learns that it has to roll. Space is allocated
before a file is mapped, so a full disk is an OSError here and never a SIGBUS later.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
import threading
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_AHEAD: Final = 1 << 15
_POPULATE_WRITE: Final = 23  # MADV_POPULATE_WRITE of Linux 5.14, which Python has no name for
_populates = [sys.platform == "linux"]
_NO_SUCH_CALL: Final = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}


class Segment(Protocol):
    """A stretch of a journal that is written by this process.

    Attributes:
        start: the position of its first byte in the journal's stream.
        capacity: bytes it can hold, the header included; the next segment starts after them.
        path: its file, or None.
        write: appends bytes in one step; raises ValueError when they do not fit.
    """

    start: int
    capacity: int
    path: Path | None
    write: Callable[[bytes], object]

    def prepare(self) -> None:
        """Have memory ready for what is written next, so that no write waits for it."""

    def end(self) -> int:
        """Offset after the last byte; the capacity once a mapped segment is sealed."""

    def read(self, first: int, last: int) -> bytes:
        """The bytes of ``[first, last)``."""

    def seal(self) -> None:
        """Refuse all further writes."""

    def sync(self) -> None:
        """Make what was written safe against a power failure."""

    def close(self) -> None:
        """Let go of the file or memory; further writes are refused."""


class MemorySegment:
    """A segment that a kill loses: for when no file can be written."""

    def __init__(self, start: int, capacity: int) -> None:
        self.path: Path | None = None
        self.start = start
        self.capacity = capacity
        self._prepared = 0
        self._map = mmap.mmap(-1, capacity)
        # One C call that holds the GIL: it copies and moves on, so no two writers meet.
        self.write: Callable[[bytes], object] = self._map.write

    def prepare(self) -> None:
        """Have memory ready for what is written next, so that no write waits for it."""
        end = self.end()
        if self._prepared >= min(end + _AHEAD // 2, self.capacity) or not _populates[0]:
            return
        first = max(self._prepared, end // mmap.PAGESIZE * mmap.PAGESIZE)
        last = min(self.capacity, first + _AHEAD)
        try:
            self._map.madvise(_POPULATE_WRITE, first, last - first)
            self._prepared = last
        except OSError:  # an older kernel
            _populates[0] = False
        except ValueError:  # the map was closed
            return

    def end(self) -> int:
        """Offset after the last byte."""
        return self._map.tell()

    def read(self, first: int, last: int) -> bytes:
        """The bytes of ``[first, last)``."""
        return self._map[first:last]

    def seal(self) -> None:
        """Refuse all further writes."""
        # One C call again: whoever wrote before it is inside, whoever comes after is refused.
        self._map.seek(0, os.SEEK_END)

    def sync(self) -> None:
        """Do nothing: memory cannot be made safe."""

    def close(self) -> None:
        """Let go of file and memory."""
        self._map.close()


class MappedSegment(MemorySegment):
    """A file with allocated blocks, mapped into memory: the kernel keeps it if we are killed."""

    def __init__(self, path: Path, start: int, capacity: int) -> None:
        self.path: Path | None = path
        self.start = start
        self.capacity = capacity
        self._prepared = 0
        self._fd = os.open(path, _FLAGS, 0o666)
        try:
            allocate(self._fd, capacity)
            self._map = mmap.mmap(self._fd, capacity)
        except BaseException:
            _discard(self._fd, path)
            raise
        self.write = self._map.write

    def sync(self) -> None:
        """Make what was written safe against a power failure."""
        getattr(os, "fdatasync", os.fsync)(self._fd)
        self._prepared = 0  # the kernel watches for the next write to each page again

    def close(self) -> None:
        """Let go of file and memory."""
        self._map.close()
        _close(self._fd)
        self._fd = -1


class AppendedSegment:
    """A file written with ``write(2)``: slower, and right on every file system."""

    def __init__(self, path: Path, start: int, capacity: int) -> None:
        self.path: Path | None = path
        self.start = start
        self.capacity = capacity
        self._lock = threading.RLock()  # a signal handler may write while its thread does
        self._size = 0
        self._open = True
        self._fd = os.open(path, _FLAGS | os.O_APPEND, 0o666)
        self.write: Callable[[bytes], object] = self._write

    def _write(self, data: bytes) -> None:
        with self._lock:
            if not self._open or self._size + len(data) > self.capacity:
                raise ValueError("The segment is full or sealed.")
            try:
                written = os.write(self._fd, data)
            except OSError as error:
                raise ValueError("The segment's file cannot be written.") from error
            if written != len(data):
                self._open = False
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, self._size)
                raise ValueError("The segment's file took only part of a record.")
            self._size += written

    def prepare(self) -> None:
        """Do nothing: no memory is written."""

    def end(self) -> int:
        """Offset after the last byte."""
        return self._size

    def read(self, first: int, last: int) -> bytes:
        """The bytes of ``[first, last)``."""
        if hasattr(os, "pread"):
            return os.pread(self._fd, last - first, first)
        with self._lock:
            os.lseek(self._fd, first, os.SEEK_SET)
            return os.read(self._fd, last - first)

    def seal(self) -> None:
        """Refuse all further writes."""
        with self._lock:
            self._open = False
            self.capacity = self._size

    def sync(self) -> None:
        """Make what was written safe against a power failure."""
        getattr(os, "fdatasync", os.fsync)(self._fd)

    def close(self) -> None:
        """Let go of file and memory."""
        with self._lock:  # a late writer must not meet another file under this number
            self._open = False
            _close(self._fd)
            self._fd = -1


def allocate(fd: int, size: int) -> None:
    """Give the file ``size`` bytes of real blocks; raises OSError if the disk has not got them."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno not in _NO_SUCH_CALL:
                raise
        else:
            return
    zeros = bytes(1 << 16)
    written = 0
    while written < size:
        written += os.write(fd, zeros[: size - written])
    os.fsync(fd)  # blocks that were promised late are allotted here


def _discard(fd: int, path: Path) -> None:
    with contextlib.suppress(OSError):
        os.close(fd)
    with contextlib.suppress(OSError):
        path.unlink()


def _close(fd: int) -> None:
    if fd >= 0:
        with contextlib.suppress(OSError):
            os.close(fd)
