"""Journals of other processes, as files: found, judged, read with every checksum verified."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from chiplog.core.journal import format as form
from chiplog.core.journal import owner as owners
from chiplog.core.journal.delivery import Stretch, columns_by_series
from chiplog.core.journal.keeping import keep_corrupt, keep_rejected
from chiplog.core.records import Series, SeriesPoints

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from chiplog.core.journal.owner import Owner, Verdict
    from chiplog.core.records import Record

_log = logging.getLogger("chiplog.journal")

_SEGMENT_SUFFIX: Final = ".seg"


@dataclass
class FoundJournal:
    """The files of one journal."""

    journal_id: str
    directory: Path
    segments: list[Path] = field(default_factory=list)

    @property
    def owner_path(self) -> Path:
        """Where its owner file lies or would lie."""
        return self.directory / f"{self.journal_id}{owners.SUFFIX}"

    def owner(self) -> Owner | None:
        """Who wrote it, if that is legible; raises UnknownVersion."""
        return owners.read_owner(self.owner_path)

    def verdict(self, owner: Owner | None) -> Verdict:
        """Whether its owner lives."""
        return owners.judge(self.owner_path, owner, self.last_written())

    def last_written(self) -> float:
        """When it was last written, in seconds since the epoch; 0 if it is gone."""
        times = [0.0]
        for path in (*self.segments, self.owner_path):
            with contextlib.suppress(OSError):
                times.append(path.stat().st_mtime)
        return max(times)

    def remove(self) -> None:
        """Remove its files, the owner's last: what is interrupted can be done again."""
        for path in (*self.segments, self.owner_path):
            with contextlib.suppress(OSError):
                path.unlink()


def find_journals(directory: Path) -> list[FoundJournal]:
    """The journals that lie directly in a directory; none if there is no such directory."""
    found: dict[str, FoundJournal] = {}
    try:
        with os.scandir(directory) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name.endswith((_SEGMENT_SUFFIX, owners.SUFFIX))
            )
    except OSError:
        return []
    for name in names:
        journal_id = name.partition(".")[0]
        if not _is_id(journal_id):
            continue
        journal = found.setdefault(journal_id, FoundJournal(journal_id, directory))
        if name.endswith(_SEGMENT_SUFFIX):
            journal.segments.append(directory / name)
    return list(found.values())


@dataclass
class _OnDisk:
    path: Path
    start: int
    size: int


class FileSource:
    """The files of a journal as something to deliver.

    Args:
        journal: the files.
        salvage: nothing more will be written: go on after damaged bytes and gaps, and keep them
            aside. Otherwise delivery stops there, since a later copy may bring what is missing.

    Attributes:
        problems: what was wrong, in words.
        records: how many records were handed out; ``points`` and ``bytes`` likewise.

    Raises UnknownVersion if a segment is of another format.
    """

    def __init__(self, journal: FoundJournal, *, salvage: bool) -> None:
        self.problems: list[str] = []
        self._journal = journal
        self._salvage = salvage
        self._seed = form.seed_of(journal.journal_id)
        self._series: dict[int, Series] = {}
        self._segments = self._read_headers()
        self._loaded: tuple[Path, bytes] | None = None
        self._defined_in: set[Path] = set()

    @property
    def journal_id(self) -> str:
        """The journal's id."""
        return self._journal.journal_id

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self._segments)

    def stretch(self, position: int, limit: int) -> Stretch | None:
        """What lies at ``position`` and after, about ``limit`` bytes of it."""
        for index, segment in enumerate(self._segments):
            first = max(position - segment.start, form.HEADER_SIZE)
            first = (first + form.SLOT - 1) // form.SLOT * form.SLOT
            if first >= segment.size:
                continue
            if position < segment.start and not self._may_skip(position, segment):
                return None
            is_last = index == len(self._segments) - 1
            stretch = self._stretch_of(segment, first, limit, is_last=is_last)
            if stretch is not None or not (self._salvage or self._ended):
                return stretch
            position = segment.start + segment.size
        return None

    def _may_skip(self, position: int, segment: _OnDisk) -> bool:
        """Whether what is missing before a segment is to be waited for no longer."""
        text = (
            f"Journal {self.journal_id}: {segment.start - position} bytes before {segment.path} "
            "are missing: they were in memory when the process died, or the file was not copied."
        )
        if text not in self.problems:
            self.problems.append(text)
        return self._salvage

    def _stretch_of(
        self, segment: _OnDisk, first: int, limit: int, *, is_last: bool
    ) -> Stretch | None:
        """What a segment holds from an offset on; None if nothing."""
        data = self._load(segment)
        if first > form.HEADER_SIZE:
            self._learn_definitions(segment, data)
        self._ended = False
        while first < len(data):
            decoded = form.decode(data, first, limit, self._seed, salvage=self._salvage)
            self._keep_damaged(segment, data, decoded.damaged)
            records = self._take_records(decoded.payloads)
            points = self._resolve(decoded.points)
            if decoded.items:
                start = segment.start
                return Stretch(start + first, start + decoded.end, decoded.items, records, points)
            if decoded.end == first:
                # Blank up to its end is how a sealed segment looks; the stream goes on in the next.
                self._ended = decoded.blank and not is_last and not any(data[first:])
                return None
            first = decoded.end
        self._ended = True
        return None

    def set_aside(self, stretch: Stretch, reason: str) -> None:
        """Keep the bytes of a stretch beside the journal."""
        for segment in self._segments:
            if segment.start <= stretch.first < segment.start + segment.size:
                data = self._load(segment)[
                    stretch.first - segment.start : stretch.last - segment.start
                ]
                path = keep_rejected(self._journal.directory, self.journal_id, data, reason)
                self.problems.append(f"A record was left out and is kept in {path}: {reason}")

    def _read_headers(self) -> list[_OnDisk]:
        segments: list[_OnDisk] = []
        expected: int | None = 0
        for path in self._journal.segments:
            index = int(path.name.split(".")[1])
            try:
                size = path.stat().st_size
                with path.open("rb") as file:
                    head = file.read(form.HEADER_SIZE)
                header = form.parse_header(head)
                start = header.start
                if header.journal_id != self.journal_id:
                    raise form.NotAJournal(f"It says that it belongs to {header.journal_id}.")
            except FileNotFoundError:
                continue  # another process has delivered it meanwhile
            except form.NotAJournal as error:
                if not any(head):
                    continue  # nothing was written before the end came
                self.problems.append(f"{path}: {error}")
                if not self._salvage:
                    break
                if expected is None or index != len(segments):
                    self._keep(path, path.read_bytes(), 0)
                    continue
                start = expected
            segments.append(_OnDisk(path, start, size // form.SLOT * form.SLOT))
            expected = start + size
        for segment, following in pairwise(segments):
            segment.size = min(segment.size, max(0, following.start - segment.start))
        return segments

    def _load(self, segment: _OnDisk) -> bytes:
        if self._loaded is None or self._loaded[0] != segment.path:
            try:
                data = segment.path.read_bytes()[: segment.size]
            except FileNotFoundError:
                data = b""  # another process has delivered it meanwhile
            self._loaded = (segment.path, data)
        return self._loaded[1]

    def _learn_definitions(self, segment: _OnDisk, data: bytes) -> None:
        """Learn what the numbers in a segment mean, when it is not read from its beginning."""
        if segment.path in self._defined_in:
            return
        self._defined_in.add(segment.path)
        offset = form.HEADER_SIZE
        while offset < len(data):
            decoded = form.decode(data, offset, form.SLOT << 14, self._seed, salvage=True)
            self._take_records(decoded.payloads)
            offset = decoded.end

    def _take_records(self, payloads: Iterable[bytes]) -> list[Record]:
        records: list[Record] = []
        for payload in payloads:
            try:
                record = form.decode_record(payload)
            except msgspec.MsgspecError as error:
                reason = f"This chiplog does not know such a record: {error}"
                path = keep_rejected(self._journal.directory, self.journal_id, payload, reason)
                self.problems.append(f"A record was left out and is kept in {path}: {reason}")
                continue
            if isinstance(record, Series):
                self._series[record.number] = record
            else:
                records.append(record)
        return records

    def _resolve(self, points: npt.NDArray[np.void]) -> list[SeriesPoints]:
        resolved: list[SeriesPoints] = []
        for number, steps, times, values in columns_by_series(points):
            series = self._series.get(number) or self._search_definition(number)
            if series is None:
                kept = points[points["series"] == number].tobytes()
                self._say_damaged(kept, f"points of series {number}, which no record defines")
            else:
                resolved.append(SeriesPoints(series, steps, times, values))
        return resolved

    def _search_definition(self, number: int) -> Series | None:
        """Look for a damaged definition in the other segments, each of which repeats them all."""
        loaded = self._loaded
        for segment in self._segments:
            if number not in self._series:
                self._learn_definitions(segment, self._load(segment))
        self._loaded = loaded
        return self._series.get(number)

    def _keep_damaged(
        self, segment: _OnDisk, data: bytes, damaged: Iterable[tuple[int, int]]
    ) -> None:
        for offset, length in damaged:
            self._keep(segment.path, data[offset : offset + length], offset)

    def _keep(self, path: Path, data: bytes, offset: int) -> None:
        self._say_damaged(data, f"{path.name} at offset {offset}")

    def _say_damaged(self, data: bytes, where: str) -> None:
        kept = keep_corrupt(self._journal.directory, self.journal_id, data, where)
        self.problems.append(
            f"Journal {self.journal_id}: {len(data)} bytes are damaged or were never written whole "
            f"({where}); they are kept in {kept}. All others were recovered."
        )


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)
