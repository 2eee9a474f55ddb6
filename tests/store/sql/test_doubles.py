"""Doubles as integers: nothing lost, sorted as numbers are."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chiplog.store.sql import doubles
from chiplog.store.sql.conditions import intervals


def double(bits: int) -> float:
    value: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return value


_doubles = st.integers(0, 2**64 - 1).map(double) | st.floats()


@given(_doubles)
def test_every_bit_pattern_comes_back(value: float) -> None:
    rank = doubles.encode(value)
    assert -(2**63) <= rank < 2**63
    assert struct.pack("<d", doubles.decode(rank)) == struct.pack("<d", value)
    assert doubles.is_number(rank) is not math.isnan(value)


@given(_doubles, _doubles)
def test_integers_sort_as_their_numbers(one: float, other: float) -> None:
    if one < other:
        assert doubles.encode(one) < doubles.encode(other)


@given(st.lists(_doubles, max_size=20))
def test_arrays_are_encoded_as_their_elements(values: list[float]) -> None:
    encoded = doubles.encode_array(np.array(values, np.float64))
    assert encoded.tolist() == [doubles.encode(value) for value in values]


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
@given(stored=_doubles, asked=st.floats() | st.integers())
def test_intervals_hold_what_the_comparison_holds(
    operator: str, stored: float, asked: float
) -> None:
    rank = doubles.encode(stored)
    found = any(first <= rank <= last for first, last in intervals(operator, asked))
    try:
        number = float(asked)
    except OverflowError:
        number = math.copysign(math.inf, asked)
    if math.isnan(number):
        expected = {"=": math.isnan(stored), "!=": not math.isnan(stored)}.get(operator, False)
    else:
        expected = {
            "=": stored == number,
            "!=": stored != number,
            "<": stored < number,
            "<=": stored <= number,
            ">": stored > number,
            ">=": stored >= number,
        }[operator]
    assert found is expected
