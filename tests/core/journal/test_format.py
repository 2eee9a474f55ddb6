"""The bytes of a journal: what was packed comes back, and damage costs only what it touched."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chiplog.core.journal import format as form

if TYPE_CHECKING:
    from chiplog.core.journal.format import Decoded

SEED = form.seed_of("0123456789abcdef" * 2)

INT64 = st.integers(-(2**63), 2**63 - 1)
POINTS = st.tuples(st.integers(1, 2**32 - 1), INT64, INT64, st.floats(width=64, allow_nan=True))
ITEMS = st.lists(st.one_of(POINTS, st.binary(min_size=1, max_size=150)), max_size=30)


@dataclass
class Item:
    """A point or a payload, and the bytes it takes in the stream."""

    what: tuple[int, int, int, float] | bytes
    first: int
    proof: int
    last: int


def pack(things: list[tuple[int, int, int, float] | bytes]) -> tuple[bytes, list[Item]]:
    """The stream of some items; ``proof`` is where the bytes end that the checksum covers."""
    data = b""
    items = []
    for thing in things:
        if isinstance(thing, bytes):
            packed = form.pack_frame(thing, SEED)
            proof = 16 + len(thing)
        else:
            packed = form.pack_sealed_point(*thing, SEED)
            proof = form.SLOT
        items.append(Item(thing, len(data), len(data) + proof, len(data) + len(packed)))
        data += packed
    return data, items


def points_of(items: list[Item]) -> list[bytes]:
    return [form.pack_point(*i.what) for i in items if not isinstance(i.what, bytes)]


def payloads_of(items: list[Item]) -> list[bytes]:
    return [i.what for i in items if isinstance(i.what, bytes)]


def found_points(decoded: Decoded) -> list[bytes]:
    """The points bit for bit, so that NaN equals NaN and -0.0 does not equal 0.0."""
    return [struct.pack("<Iqqd", *row) for row in decoded.points[_FIELDS].tolist()]


_FIELDS = ["series", "step", "timestamp", "value"]


def expect(decoded: Decoded, items: list[Item]) -> None:
    assert found_points(decoded) == points_of(items)
    assert decoded.payloads == payloads_of(items)


@given(ITEMS)
def test_what_was_packed_comes_back_in_order(things: list[bytes]) -> None:
    data, items = pack(list(things))
    for trusted in (True, False):
        decoded = form.decode(data, 0, len(data), SEED, trusted=trusted)
        expect(decoded, items)
        assert decoded.end == len(data)
        assert decoded.damaged == []


@given(ITEMS, st.integers(1, 400))
def test_reading_in_small_pieces_is_reading_at_once(things: list[bytes], limit: int) -> None:
    data, items = pack(list(things))
    points: list[bytes] = []
    payloads: list[bytes] = []
    offset = 0
    while offset < len(data):
        decoded = form.decode(data, offset, limit, SEED)
        assert decoded.end > offset
        points += found_points(decoded)
        payloads += decoded.payloads
        offset = decoded.end
    assert points == points_of(items)
    assert payloads == payloads_of(items)


@given(ITEMS, st.data())
def test_a_truncated_stream_gives_every_item_that_is_whole(
    things: list[bytes], draw: st.DataObject
) -> None:
    data, items = pack(list(things))
    cut = draw.draw(st.integers(0, len(data)))
    whole = [item for item in items if item.last <= cut]
    expect(form.decode(data[:cut], 0, cut, SEED, salvage=True), whole)
    expect(form.decode(data[:cut], 0, cut, SEED), whole)


@given(ITEMS.filter(bool), st.data())
def test_a_changed_byte_costs_the_item_it_is_in_and_nothing_else(
    things: list[bytes], draw: st.DataObject
) -> None:
    data, items = pack(list(things))
    where = draw.draw(st.integers(0, len(data) - 1))
    by = draw.draw(st.integers(1, 255))
    damaged = bytearray(data)
    damaged[where] ^= by
    proven = [item for item in items if not item.first <= where < item.proof]
    decoded = form.decode(bytes(damaged), 0, len(data), SEED, salvage=True)
    expect(decoded, proven)
    if len(proven) < len(items):
        assert any(at <= where < at + length + form.SLOT for at, length in decoded.damaged)


@given(ITEMS.filter(bool), st.data())
def test_without_salvage_reading_stops_before_the_first_damage(
    things: list[bytes], draw: st.DataObject
) -> None:
    data, items = pack(list(things))
    broken = draw.draw(st.sampled_from(items))
    damaged = bytearray(data)
    damaged[broken.first] ^= 0xFF
    decoded = form.decode(bytes(damaged), 0, len(data), SEED)
    expect(decoded, [item for item in items if item.last <= broken.first])
    assert decoded.end == broken.first


@given(ITEMS, ITEMS, st.integers(1, 300))
def test_a_hole_of_zeros_is_passed_by(before: list[bytes], after: list[bytes], slots: int) -> None:
    first, items = pack(list(before))
    second, more = pack(list(after))
    data = first + bytes(slots * form.SLOT) + second
    decoded = form.decode(data, 0, len(data), SEED, salvage=True)
    expect(decoded, items + more)
    assert decoded.damaged == []
    stopped = form.decode(data, 0, len(data), SEED)
    expect(stopped, items)
    assert stopped.blank
    assert stopped.end == len(first)


@given(st.binary(max_size=2000))
def test_noise_holds_no_record(noise: bytes) -> None:
    decoded = form.decode(noise, 0, len(noise), SEED, salvage=True)
    assert decoded.items == 0


@given(ITEMS)
def test_records_of_another_journal_do_not_pass_for_this_ones(things: list[bytes]) -> None:
    data, _ = pack(list(things))
    other = form.seed_of("f" * 32)
    assert form.decode(data, 0, len(data), other, salvage=True).items == 0


def test_a_journal_inside_a_document_is_not_read_as_records() -> None:
    inner, _ = pack([(1, 2, 3, 4.0)] * 20)
    payload = b"\xc5" + bytes(15) + inner
    data = form.pack_frame(payload, SEED)
    assert form.decode(data, 0, len(data), SEED).payloads == [payload]
    assert len(form.decode(data, 0, len(data), SEED).points) == 0


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
)
def test_a_header_comes_back(journal: bytes, index: int, start: int, size: int) -> None:
    header = form.Header(journal.hex(), index, start, size)
    assert form.parse_header(form.pack_header(header)) == header
    assert len(form.pack_header(header)) == form.HEADER_SIZE


@given(st.integers(44, 55), st.integers(1, 255))
def test_a_damaged_size_is_none_and_harms_nothing_else(where: int, by: int) -> None:
    data = bytearray(form.pack_header(form.Header("ab" * 16, 3, 4096, 65536)))
    data[where] ^= by
    assert form.parse_header(bytes(data)) == form.Header("ab" * 16, 3, 4096, 0)


def test_a_header_without_a_size_is_as_it_was_before_there_were_sizes() -> None:
    data = form.pack_header(form.Header("ab" * 16, 3, 4096))
    assert not any(data[44:])


@given(st.integers(0, 43), st.integers(1, 255))
def test_a_damaged_header_is_told(where: int, by: int) -> None:
    data = bytearray(form.pack_header(form.Header("ab" * 16, 3, 4096)))
    data[where] ^= by
    with pytest.raises((form.NotAJournal, form.UnknownVersion)):
        form.parse_header(bytes(data))
