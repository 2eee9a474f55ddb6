"""A little room on disk that is kept for the end: for records, when points have filled the rest.

Beside its segments a journal has ``<journal id>.spare``, a file with blocks and no content. When
the disk is full and the store cannot be reached either, a process that ends gives it up, to write
what it had to keep in memory: the ends of its runs, their params and tags; points as far as they
fit. What is written lies where it would have lain, in files with holes.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from chiplog.core.journal import format as form
from chiplog.core.journal.segment import allocate
from chiplog.core.records import RunUpdated, Series

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chiplog.core.records import AnyRecord

SUFFIX: Final = ".spare"
_SIZE: Final = 1 << 15
_BLOCK: Final = 4096


class Saved(NamedTuple):
    """How much of what was in memory found room, and how many points and records did not."""

    kept: int = 0
    lost_points: int = 0
    lost_records: int = 0


@dataclass
class Unsaved:
    """A segment that is in memory only.

    Attributes:
        path: where it is to be written.
        data: its bytes, the header's included.
        first: the offset from which on it has not been delivered.
    """

    path: Path
    data: bytes
    first: int
    _written: set[int] = field(default_factory=set)

    def write_whole(self) -> bool:
        """Write all of it, or nothing; whether that worked."""
        if self._write(0, len(self.data)):
            return True
        self._remove()
        return False

    def write_blocks(self, first: int, last: int) -> bool:
        """Write the blocks in which some bytes lie, and the header's; whether that worked."""
        blocks = {0, *range(first // _BLOCK, (last - 1) // _BLOCK + 1)}
        for block in sorted(blocks - self._written):
            if not self._write(block * _BLOCK, (block + 1) * _BLOCK):
                if not self._written:
                    self._remove()
                return False
            self._written.add(block)
        return True

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _write(self, first: int, last: int) -> bool:
        part = self.data[first:last]
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return False
        try:
            os.lseek(file, first, os.SEEK_SET)
            written = os.write(file, part) == len(part)
            os.fsync(file)
        except OSError:
            return False
        finally:
            os.close(file)
        return written


def make(path: Path) -> None:
    """Make a journal's spare file, if the disk has room for it."""
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            allocate(file, _SIZE)
        finally:
            os.close(file)


def give_up(path: Path) -> None:
    """Let its room be used."""
    with contextlib.suppress(OSError):
        path.unlink()


def save(segments: Sequence[Unsaved], spare_path: Path, seed: int) -> Saved:
    """Write the latest segments as far as there is room, then the records of the others."""
    left = [segment for segment in reversed(segments) if not segment.write_whole()]
    whole = (segment for segment in segments if segment not in left)
    kept = sum(len(segment.data) - segment.first for segment in whole) // form.SLOT
    if not left:
        return Saved(kept)
    give_up(spare_path)
    points = 0
    frames: list[tuple[bool, Unsaved, int, int]] = []
    for segment in left:
        data = segment.data
        decoded = form.decode(data, segment.first, len(data), seed, trusted=True)
        points += len(decoded.points)
        for (offset, length), payload in zip(decoded.frames, decoded.payloads, strict=True):
            record = form.decode_record(payload)
            if not isinstance(record, Series):
                frames.append((_is_end(record), segment, offset, offset + length))
    frames.sort(key=lambda frame: not frame[0])
    written = [segment.write_blocks(first, last) for _, segment, first, last in frames]
    return Saved(kept + written.count(True), points, written.count(False))


def _is_end(record: AnyRecord) -> bool:
    return isinstance(record, RunUpdated) and record.end_time is not None
