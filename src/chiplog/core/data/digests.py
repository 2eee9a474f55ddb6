"""Digests of data, quick on any size.

A digest covers shape, types, names, and the values of a bounded sample: all of small data; of
large data the beginning, the end and evenly spaced places between. Equal data has equal digests
on every machine and in every memory layout. Different data of equal shape may share one if it
differs only in places that were not looked at: a digest tells data sets apart, it proves nothing.
"""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

_BLOCK: Final = 4096  # values from each end
_SPREAD: Final = 2048  # values between
_FRAME_CELLS: Final = 4096
_ROWS: Final = (8, 256)  # of a table: at least, at most
_TEXT: Final = 1000  # characters of one value
_SIMPLE: Final = {str, int, float, bool, type(None)}
_PLAIN: Final = (
    int,
    float,
    complex,
    bool,
    type(None),
    decimal.Decimal,
    dt.date,
    dt.time,
    dt.timedelta,
)


class Digest:
    """Collects what a digest covers."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=4)

    def words(self, *values: object) -> None:
        """Cover values by their text."""
        for value in values:
            self._hash.update(f"{value}\0".encode(errors="replace"))

    def array(self, array: npt.NDArray[Any]) -> None:
        """Cover an array: shape, type, sampled values."""
        self.words("array", array.dtype.str, array.shape)
        for part in _parts(array):
            if array.dtype.hasobject:
                self.objects(part.tolist())
            else:
                self._hash.update(part.tobytes())

    def objects(self, values: Iterable[Any]) -> None:
        """Cover Python objects: plain ones by value, others by type, containers by their items."""
        shortened = [
            value if type(value) is not str or len(value) <= _TEXT else _shortened(value)
            for value in values
        ]
        if {type(value) for value in shortened} <= _SIMPLE:
            self.words(shortened)
        else:
            for value in shortened:
                self._object(value, 3)

    def _object(self, value: Any, depth: int) -> None:
        kind = type(value)
        if isinstance(value, (str, bytes)):
            self.words(kind.__name__, repr(_shortened(value)))
        elif isinstance(value, _PLAIN):
            self.words(kind.__name__, repr(value))
        elif kind.__module__ == "numpy" and getattr(value, "ndim", 1) == 0:
            self.words(kind.__name__, repr(value.item()))
        elif depth and hasattr(value, "dtype") and hasattr(value, "flat"):
            self.array(value)
        elif depth and isinstance(value, (list, tuple)):
            self.words(kind.__name__, len(value))
            for item in value[: _ROWS[0]]:
                self._object(item, depth - 1)
        elif depth and isinstance(value, dict):
            self.words(kind.__name__, len(value))
            for key in list(value)[: _ROWS[0]]:
                self._object(key, 0)
                self._object(value[key], depth - 1)
        else:
            self.words(kind.__module__, kind.__qualname__)

    def hexdigest(self) -> str:
        """The digest, 8 hexadecimal digits."""
        return self._hash.hexdigest()


def _shortened(text: Any) -> Any:
    """A text or bytes of bounded length that still tells how long it was."""
    return text if len(text) <= _TEXT else (len(text), text[:_TEXT])


def sample_rows(rows: int, columns: int = 1) -> list[int]:
    """The positions of a table's rows that are looked at, ascending; all if there are few."""
    least, most = _ROWS
    wanted = min(most, max(least, _FRAME_CELLS // max(columns, 1)))
    if rows <= wanted:
        return list(range(rows))
    third = max(wanted // 3, 1)
    middle = range(third, rows - third, max((rows - 2 * third) // third, 1))
    return [*range(third), *list(middle)[:third], *range(rows - third, rows)]


def _parts(array: npt.NDArray[Any]) -> list[npt.NDArray[np.generic]]:
    """The sampled values of an array in its logical order, whatever its memory layout."""
    import numpy as np

    block, spread = (64, 64) if array.dtype.hasobject else (_BLOCK, _SPREAD)
    if array.size <= 2 * block + spread:
        return [np.ascontiguousarray(array)]
    flat = array.flat
    step = max((array.size - 2 * block) // spread, 1)
    between = np.arange(block, array.size - block, step)
    return [flat[:block], flat[between], flat[array.size - block :]]
