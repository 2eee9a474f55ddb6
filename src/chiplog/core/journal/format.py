"""The bytes of a journal: points and frames, packed and parsed. No files, no threads.

A journal is one stream of 32-byte slots, cut into segments. Every segment begins with a header
of 64 bytes; a point fills one slot, a frame as many as it needs:

    header  8s magic | u32 version | u32 index | 16s journal id | u64 start | u32 crc |
            u64 size | u32 crc of size | zeros
    point   u32 crc | u32 series (>= 1) | i64 step | i64 timestamp in ms | f64 value
    frame   u32 crc | u32 0 | u32 length | u32 check | payload (msgpack of a record) | zeros
    blank   32 zeros: nothing was written here

All numbers are little-endian. ``start`` is the position of the segment's first byte in the
stream; ``size`` is the file's, 0 (and no checksum) where that is not known beforehand. A checksum
covers what follows it, except a frame's padding, and is seeded with the journal's id, so bytes of
another journal never pass for this one's. A frame's ``check`` is the checksum of its length, so
that a damaged length is not believed.
"""

from __future__ import annotations

from bisect import bisect_left
from struct import Struct
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import msgspec

from chiplog.core.errors import ChiplogError
from chiplog.core.records import AnyRecord, Record

if TYPE_CHECKING:
    from types import ModuleType

    import numpy as np  # noqa: TC004 - a struct that is never encoded
    import numpy.typing as npt  # noqa: TC004 - as above

VERSION: Final = 1
SLOT: Final = 32
HEADER_SIZE: Final = 64
MAX_PAYLOAD: Final = 2**30

pack_point = Struct("<Iqqd").pack
seal_point = Struct("<I28s").pack

_MAGIC: Final = b"chiplogJ"
_BLANK: Final = bytes(SLOT)
_HEADER: Final = Struct("<8sII16sQ")
_FRAME: Final = Struct("<IIII")
_U32: Final = Struct("<I")
_SIZE: Final = Struct("<QI")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AnyRecord).decode


class NotAJournal(ChiplogError):
    """Bytes that do not begin as a segment does, or whose header is damaged."""


class UnknownVersion(ChiplogError):
    """A segment of a format this chiplog does not know."""


class Header(msgspec.Struct, frozen=True):
    """What a segment's first bytes say; a ``size`` of 0 is none."""

    journal_id: str
    index: int
    start: int
    size: int = 0


class Decoded(msgspec.Struct):
    """What a stretch of a segment holds.

    Attributes:
        points: structured array with fields series, step, timestamp, value; in order.
        payloads: the frames' payloads, in order.
        frames: (offset, length) of the frames, in order.
        damaged: (offset, length) of bytes that no checksum proves.
        end: offset of the first byte that was not looked at.
        blank: whether it ended at a blank slot after which nothing was looked at.
    """

    points: npt.NDArray[np.void]
    payloads: list[bytes]
    frames: list[tuple[int, int]]
    damaged: list[tuple[int, int]]
    end: int
    blank: bool = False

    @property
    def items(self) -> int:
        """How many points and frames there are."""
        return len(self.points) + len(self.payloads)


def seed_of(journal_id: str) -> int:
    """The seed of a journal's checksums."""
    return crc32(bytes.fromhex(journal_id))


def pack_header(header: Header) -> bytes:
    """The first bytes of a segment."""
    body = _HEADER.pack(
        _MAGIC, VERSION, header.index, bytes.fromhex(header.journal_id), header.start
    )
    body += _U32.pack(crc32(body))
    if header.size:
        body += _SIZE.pack(header.size, _crc_of_size(header.size))
    return body.ljust(HEADER_SIZE, b"\0")


def parse_header(data: bytes) -> Header:
    """What a segment's first bytes say; raises NotAJournal or UnknownVersion."""
    if len(data) < HEADER_SIZE or not data.startswith(_MAGIC):
        raise NotAJournal("These bytes do not begin as a journal segment does.")
    _, version, index, journal, start = _HEADER.unpack_from(data)
    if version != VERSION:
        raise UnknownVersion(f"The segment has format {version}; this chiplog knows {VERSION}.")
    if _U32.unpack_from(data, _HEADER.size)[0] != crc32(data[: _HEADER.size]):
        raise NotAJournal("The segment's header is damaged: its checksum does not match.")
    size, crc = _SIZE.unpack_from(data, _HEADER.size + _U32.size)
    return Header(journal.hex(), index, start, size if crc == _crc_of_size(size) else 0)


def _crc_of_size(size: int) -> int:
    return crc32(size.to_bytes(8, "little"))


def encode_record(record: Record) -> bytes:
    """A record as a frame's payload."""
    return _encode(record)


def decode_record(payload: bytes) -> AnyRecord:
    """The record of a frame's payload; raises msgspec.MsgspecError if it is none we know."""
    record: AnyRecord = _decode(payload)
    return record


def frame_size(length: int) -> int:
    """How many bytes a frame with a payload of ``length`` bytes takes."""
    return (16 + length + SLOT - 1) // SLOT * SLOT


def pack_frame(payload: bytes, seed: int) -> bytes:
    """A frame, padded to whole slots."""
    length = len(payload)
    rest = b"\0\0\0\0" + _U32.pack(length) + _U32.pack(crc32(_U32.pack(length), seed)) + payload
    return (_U32.pack(crc32(rest, seed)) + rest).ljust(frame_size(length), b"\0")


def pack_sealed_point(number: int, step: int, timestamp: int, value: float, seed: int) -> bytes:
    """A point's slot, for those who do not hurry."""
    body = pack_point(number, step, timestamp, value)
    return seal_point(crc32(body, seed), body)


def decode(
    data: bytes, offset: int, limit: int, seed: int, *, trusted: bool = False, salvage: bool = False
) -> Decoded:
    """Read the slots from ``offset`` on, about ``limit`` bytes of them.

    A frame that begins within the limit is read whole. ``trusted``: take the checksums for
    granted. ``salvage``: go on after blank or damaged slots; otherwise the first one ends it.
    A frame that ``data`` holds only the beginning of ends it too, unless ``salvage``.
    """
    walk = _Walk(data, offset // SLOT, limit, seed)
    return walk.trusted() if trusted else walk.verified(salvage=salvage)


class _Walk:
    """One pass over the slots of a stretch."""

    def __init__(self, data: bytes, first: int, limit: int, seed: int) -> None:
        import numpy as np

        self._np = np
        self._data = data
        self._seed = seed
        self._total = len(data) // SLOT
        self._at = first
        self._stop = min(self._total, first + max(1, limit // SLOT))
        self._slots = np.frombuffer(data, dtype=_point_type(np), count=self._total)
        zeros = np.flatnonzero(self._slots["series"][first : self._stop] == 0)
        self._zeros: list[int] = (zeros + first).tolist()
        self._runs: list[npt.NDArray[np.void]] = []
        self._payloads: list[bytes] = []
        self._frames: list[tuple[int, int]] = []
        self._damaged: list[tuple[int, int]] = []

    def trusted(self) -> Decoded:
        while self._at < self._stop:
            zero = self._next_zero()
            if zero > self._at:
                self._runs.append(self._slots[self._at : zero])
                self._at = zero
            elif (payload := self._frame(verify=False)) is not None:
                self._take(payload)
            else:
                return self._decoded(blank=self._is_blank())
        return self._decoded()

    def verified(self, *, salvage: bool) -> Decoded:
        while self._at < self._stop:
            zero = self._next_zero()
            if zero > self._at:
                if not self._take_proven(zero, salvage=salvage):
                    return self._decoded()
            elif (payload := self._frame(verify=True)) is not None:
                self._take(payload)
            elif self._is_blank():
                if not salvage:
                    return self._decoded(blank=True)
                self._skip_blank()
            elif salvage:
                self._damage(self._at)
                self._at += 1
            else:
                return self._decoded()
        return self._decoded()

    def _next_zero(self) -> int:
        index = bisect_left(self._zeros, self._at)
        return self._zeros[index] if index < len(self._zeros) else self._stop

    def _take(self, payload: bytes) -> None:
        size = frame_size(len(payload))
        self._payloads.append(payload)
        self._frames.append((self._at * SLOT, size))
        self._at += size // SLOT

    def _take_proven(self, end: int, *, salvage: bool) -> bool:
        """Take the points up to ``end`` whose checksums hold; False if it had to stop early."""
        data, seed, first = self._data, self._seed, self._at
        sums = [crc32(data[i + 4 : i + SLOT], seed) for i in range(first * SLOT, end * SLOT, SLOT)]
        run = self._slots[first:end]
        proven = run["crc"] == self._np.array(sums, dtype="<u4")
        wrong: list[int] = self._np.flatnonzero(~proven).tolist()
        if wrong and not salvage:
            self._runs.append(run[: wrong[0]])
            self._at = first + wrong[0]
            return False
        self._runs.append(run[proven] if wrong else run)
        for index in wrong:
            self._damage(first + index)
        self._at = end
        return True

    def _frame(self, *, verify: bool) -> bytes | None:
        """The payload of the frame here, or None if there is no whole, proven one."""
        offset = self._at * SLOT
        crc, _, length, check = _FRAME.unpack_from(self._data, offset)
        if not 0 < length <= MAX_PAYLOAD or offset + frame_size(length) > len(self._data):
            return None
        if verify:
            if check != crc32(_U32.pack(length), self._seed):
                return None
            if crc != crc32(self._data[offset + 4 : offset + 16 + length], self._seed):
                return None
        return self._data[offset + 16 : offset + 16 + length]

    def _is_blank(self) -> bool:
        return self._data.startswith(_BLANK, self._at * SLOT)

    def _skip_blank(self) -> None:
        """Go on to the next slot that is not blank."""
        words = self._np.frombuffer(self._data, dtype="<u8", count=self._total * 4)
        written = self._np.flatnonzero(words[self._at * 4 :])
        self._at = self._at + int(written[0]) // 4 if len(written) else self._total

    def _damage(self, slot: int) -> None:
        offset = slot * SLOT
        if self._damaged and sum(self._damaged[-1]) == offset:
            first, length = self._damaged[-1]
            self._damaged[-1] = (first, length + SLOT)
        else:
            self._damaged.append((offset, SLOT))

    def _decoded(self, *, blank: bool = False) -> Decoded:
        runs = [run for run in self._runs if len(run)]
        points = self._slots[:0] if not runs else runs[0]
        if len(runs) > 1:
            points = self._np.concatenate(runs)
        end = self._at * SLOT
        return Decoded(points, self._payloads, self._frames, self._damaged, end, blank)


def _point_type(np: ModuleType) -> Any:
    return np.dtype(
        [
            ("crc", "<u4"),
            ("series", "<u4"),
            ("step", "<i8"),
            ("timestamp", "<i8"),
            ("value", "<f8"),
        ]
    )
