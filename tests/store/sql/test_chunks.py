"""Columns as bytes, and overviews that keep what a chart shows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chiplog.store.sql import chunks
from chiplog.store.sql.columns import Columns

_bits = hnp.arrays(np.uint64, st.integers(0, 300), elements=st.integers(0, 2**64 - 1))


@given(_bits)
def test_doubles_are_compressed_without_loss(
    bits: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> None:
    values = bits.view(np.float64)
    back = chunks.decompress(chunks.compress(values), np.float64)
    assert back.view(np.uint64).tolist() == bits.tolist()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300))
def test_integers_are_compressed_without_loss(numbers: list[int]) -> None:
    column = np.array(numbers, np.int64)
    assert chunks.decompress(chunks.compress(column), np.int64).tolist() == numbers


def some(values: list[float] | np.ndarray[tuple[int], np.dtype[np.float64]]) -> Columns:
    count = len(values)
    return Columns(np.arange(count), np.arange(count) + 7, np.asarray(values, np.float64))


def test_packed_points_come_back() -> None:
    columns = some([1.0, -0.0, math.nan])
    back = chunks.unpack(chunks.pack(columns))
    assert back.steps.tolist() == [0, 1, 2]
    assert back.times.tolist() == [7, 8, 9]
    assert back.values.view(np.int64).tolist() == columns.values.view(np.int64).tolist()
    one = chunks.unpack(chunks.pack_one(-5, 9, 0.5))
    assert (one.steps[0], one.times[0], one.values[0]) == (-5, 9, 0.5)


@given(
    st.lists(st.floats(), min_size=1, max_size=200),
    st.integers(1, 50),
)
def test_extremes_of_every_bucket_are_found(values: list[float], size: int) -> None:
    array = np.array(values)
    picked = chunks.extremes(array, size).tolist()
    for bucket in range(-(-len(values) // size)):
        inside = values[bucket * size : (bucket + 1) * size]
        found = picked[2 * bucket : 2 * bucket + 2]
        assert all(bucket * size <= at < bucket * size + len(inside) for at in found)
        numbers = [value for value in inside if not math.isnan(value)]
        if numbers and all(map(math.isfinite, inside)):
            assert {min(numbers), max(numbers)} == {values[at] for at in found}


@pytest.mark.parametrize("count", [10, 257, 5000, 65_536])
def test_an_overview_has_a_level_for_each_size_below_the_count(count: int) -> None:
    values = np.cos(np.arange(count) / 100.0)
    levels = chunks.read_overview(chunks.overview(some(values)))
    assert [size for size, _, _ in levels] == [s for s in chunks.BUCKET_SIZES if s < count]
    for size, columns, means in levels:
        assert values[columns.steps].tolist() == columns.values.tolist()
        assert {values.min(), values.max()} <= set(columns.values.tolist())
        assert (columns.steps[0], columns.steps[-1]) == (0, count - 1)
        assert means.tolist() == pytest.approx(
            [values[at : at + size].mean() for at in range(0, count, size)]
        )


def test_means_pass_over_nans_and_survive_infinities() -> None:
    values = [1.0, math.nan, 3.0, math.nan, math.inf] + [math.nan] * 600
    (_, _, means), *_ = chunks.read_overview(chunks.overview(some(values)))
    assert means[0] == math.inf
    assert math.isnan(means[1])
