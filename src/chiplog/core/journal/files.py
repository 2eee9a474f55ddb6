"""Journals of other processes, as files: found, judged, read with every checksum verified."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from chiplog.core.clock import now_ms
from chiplog.core.journal import format as form
from chiplog.core.journal import owner as owners
from chiplog.core.journal import spare
from chiplog.core.journal.delivery import Stretch, columns_by_series
from chiplog.core.journal.keeping import describe_rejected, keep_corrupt, keep_rejected
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
_PORTION: Final = form.SLOT << 14


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
        """When its files were last written, in seconds since the epoch; 0 if they are gone.

        That is when a page of them was first written, not last: the kernel does not look on.
        """
        times = [0.0]
        for path in (*self.segments, self.owner_path):
            with contextlib.suppress(OSError):
                times.append(path.stat().st_mtime)
        return max(times)

    def remove(self) -> None:
        """Remove its files, the owner's last: what is interrupted can be done again."""
        spare_path = self.directory / f"{self.journal_id}{spare.SUFFIX}"
        for path in (*self.segments, spare_path, self.owner_path):
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
    """A segment: its number, the position of its first byte in the stream, its bytes."""

    path: Path
    index: int
    start: int
    size: int


class FileSource:
    """The files of a journal as something to deliver.

    Args:
        journal: the files.
        salvage: nothing more will be written: go on after damaged bytes and gaps, and keep them
            aside. Otherwise delivery stops there, since a later copy may bring what is missing.
        problems: where to add what is wrong.

    Attributes:
        problems: what was wrong, in words.
        records: how many records were handed out; ``points`` and ``bytes`` likewise.

    Raises UnknownVersion if a segment is of another format.
    """

    def __init__(
        self, journal: FoundJournal, *, salvage: bool, problems: list[str] | None = None
    ) -> None:
        self.problems: list[str] = [] if problems is None else problems
        self._journal = journal
        self._salvage = salvage
        self._seed = form.seed_of(journal.journal_id)
        self._series: dict[int, Series] = {}
        self._segments = self._read_headers()
        self._loaded: tuple[Path, bytes] | None = None
        self._defined_in: set[Path] = set()
        self._timed: set[Path] = set()
        self._latest_time: int | None = None
        self._now = now_ms()

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
        self._timed.add(segment.path)
        if first > form.HEADER_SIZE:
            self._learn_definitions(segment, data)
        self._ended = False
        while first < len(data):
            decoded = form.decode(data, first, limit, self._seed, salvage=self._salvage)
            self._note_times(decoded)
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

    def latest_time(self) -> int | None:
        """The latest time, in ms, that is told of anywhere in the files; None if none is.

        Times to come are not believed: users may give points any time they like.
        """
        for segment in self._segments:
            if segment.path not in self._timed:
                self._learn_definitions(segment, self._load(segment))
        return self._latest_time

    def set_aside(self, stretch: Stretch, reason: str) -> None:
        """Keep the bytes of a stretch beside the journal."""
        for segment in self._segments:
            if segment.start <= stretch.first < segment.start + segment.size:
                data = self._load(segment)[
                    stretch.first - segment.start : stretch.last - segment.start
                ]
                path = keep_rejected(self._journal.directory, self.journal_id, data, reason)
                self.problems.append(describe_rejected(path, reason))

    def _read_headers(self) -> list[_OnDisk]:
        segments: list[_OnDisk] = []
        for path in self._journal.segments:
            try:
                segment = self._read_header(path, segments[-1] if segments else None)
            except FileNotFoundError:
                continue  # another process has delivered it meanwhile
            except form.NotAJournal:
                break  # what follows it waits for a better copy
            if segment is not None:
                segments.append(segment)
        for segment, following in pairwise(segments):
            segment.size = min(segment.size, max(0, following.start - segment.start))
        return segments

    def _read_header(self, path: Path, before: _OnDisk | None) -> _OnDisk | None:
        """A segment as its header has it; None if it holds nothing that can be placed.

        Raises NotAJournal if it is damaged and a better copy may come.
        """
        index = int(path.name.split(".")[1])
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(form.HEADER_SIZE)
        try:
            header = form.parse_header(head)
            if header.journal_id != self.journal_id:
                raise form.NotAJournal(f"It says that it belongs to {header.journal_id}.")
        except form.NotAJournal as error:
            if not any(head):
                return None  # nothing was written before the end came
            start = _start_after(before, index) if self._salvage else None
            found = "" if start is None else " Its records are taken by their own checksums."
            self.problems.append(f"{path}: {error}{found}")
            if not self._salvage:
                raise
            if start is None:
                self._keep(path, path.read_bytes(), 0)
                return None
        else:
            start = header.start
            if size < header.size and self._salvage:
                self.problems.append(
                    f"{path} has been cut short: {size} of its {header.size} bytes are there. "
                    "What lay in the others is missing."
                )
        return _OnDisk(path, index, start, size // form.SLOT * form.SLOT)

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
        self._timed.add(segment.path)
        offset = form.HEADER_SIZE
        while offset < len(data):
            decoded = form.decode(data, offset, _PORTION, self._seed, salvage=True)
            self._note_times(decoded)
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

    def _note_times(self, decoded: form.Decoded) -> None:
        times = decoded.points["timestamp"]
        past = times[times <= self._now]
        told = [int(past.max())] if len(past) else []
        for payload in decoded.payloads:
            told += [time for time in _times_of(payload) if time <= self._now]
        if told:
            self._latest_time = max(
                told if self._latest_time is None else [self._latest_time, *told]
            )

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
        """Look for a damaged definition in the other segments: most repeat those before."""
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


def _start_after(before: _OnDisk | None, index: int) -> int | None:
    """Where a segment begins that directly follows ``before``; None if it does not."""
    if before is None:
        return 0 if index == 0 else None
    return before.start + before.size if index == before.index + 1 else None


def _times_of(payload: bytes) -> list[int]:
    """The times, in ms, that a record tells."""
    try:
        record = form.decode_record(payload)
    except msgspec.MsgspecError:
        return []
    times = (getattr(record, name, None) for name in ("start_time", "end_time"))
    return [time for time in times if time is not None]


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)
