"""Points as bytes: raw for a few, compressed columns with an overview for many.

An overview holds, for buckets of several sizes, the smallest and the largest point of each bucket
and the mean of its values; so a chart of a million points reads kilobytes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pcodec import ChunkConfig, standalone

from chiplog.store.sql.columns import Columns

if TYPE_CHECKING:
    import numpy.typing as npt

LARGEST_CHUNK: Final = 65_536

BUCKET_SIZES: Final = (256, 2048, 16_384)

POINT_SIZE: Final = 24

_CONFIG: Final = ChunkConfig()
_level_header: Final = struct.Struct("<IIIIIIII")


def pack(columns: Columns) -> bytes:
    """A few points as they are, 24 bytes each."""
    return b"".join(
        np.ascontiguousarray(column, dtype).tobytes()
        for column, dtype in zip(
            (columns.steps, columns.times, columns.values), ("<i8", "<i8", "<f8"), strict=True
        )
    )


def pack_one(step: int, time: int, value: float) -> bytes:
    """One point as :func:`pack` writes it."""
    return struct.pack("<qqd", step, time, value)


def unpack(data: bytes) -> Columns:
    """What :func:`pack` was given."""
    count = len(data) // POINT_SIZE
    return Columns(
        np.frombuffer(data, "<i8", count).astype(np.int64, copy=False),
        np.frombuffer(data, "<i8", count, 8 * count).astype(np.int64, copy=False),
        np.frombuffer(data, "<f8", count, 16 * count).astype(np.float64, copy=False),
    )


def compress(column: npt.NDArray[Any]) -> bytes:
    """A column, bit for bit, in as few bytes as pcodec needs."""
    return bytes(standalone.simple_compress(np.ascontiguousarray(column), _CONFIG))


def decompress(data: bytes, dtype: type[Any]) -> npt.NDArray[Any]:
    """What :func:`compress` was given."""
    column = standalone.simple_decompress(data)
    return np.empty(0, dtype) if column is None else np.asarray(column)


def overview(columns: Columns) -> bytes:
    """The overview of some points; empty if they are too few for one."""
    levels = [_level(columns, size) for size in BUCKET_SIZES if len(columns) > size]
    return b"".join(levels)


def read_overview(data: bytes) -> list[tuple[int, Columns, npt.NDArray[np.float64]]]:
    """For each resolution, finest first: bucket size, the points that matter, means.

    The points are in the order in which they were recorded; the first and the last are among them.
    """
    levels = []
    at = 0
    while at < len(data):
        size, _, *lengths = _level_header.unpack_from(data, at)
        at += _level_header.size
        blobs = []
        for length in lengths[:4]:
            blobs.append(data[at : at + length])
            at += length
        columns = Columns(
            decompress(blobs[0], np.int64),
            decompress(blobs[1], np.int64),
            decompress(blobs[2], np.float64),
        )
        levels.append((size, columns, decompress(blobs[3], np.float64)))
    return levels


def _level(columns: Columns, size: int) -> bytes:
    picked = columns[with_ends(extremes(columns.values, size), len(columns))]
    blobs = [
        compress(picked.steps),
        compress(picked.times),
        compress(picked.values),
        compress(_means(columns.values, size)),
    ]
    header = _level_header.pack(size, len(columns), *map(len, blobs), 0, 0)
    return header + b"".join(blobs)


def extremes(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.intp]:
    """Where each bucket of ``size`` values has its smallest and its largest, two each, in order.

    NaNs are passed over, unless a bucket has nothing else.
    """
    smallest, largest = _padded(values, size, np.inf), _padded(values, size, -np.inf)
    starts = np.arange(len(smallest)) * size
    last = len(values) - 1
    low = np.minimum(starts + np.argmin(smallest, axis=1), last)
    high = np.minimum(starts + np.argmax(largest, axis=1), last)
    return np.column_stack([np.minimum(low, high), np.maximum(low, high)]).ravel()


def with_ends(picked: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    """The positions picked out of ``count``, and the first and the last, each once, in order."""
    return np.unique(np.concatenate([[0], picked, [count - 1]]))


def _padded(values: npt.NDArray[np.float64], size: int, filler: float) -> npt.NDArray[np.float64]:
    buckets = -(-len(values) // size)
    padded = np.full(buckets * size, filler)
    padded[: len(values)] = np.where(np.isnan(values), filler, values)
    return padded.reshape(buckets, size)


def _means(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """The mean of each bucket, NaNs passed over; not finite where it overflows."""
    starts = np.arange(0, len(values), size)
    there = ~np.isnan(values)
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(np.where(there, values, 0.0), starts)
        return np.asarray(sums / np.add.reduceat(there.astype(np.float64), starts))
