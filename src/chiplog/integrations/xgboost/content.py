"""What XGBoost's files hold, read by chiplog itself: JSON, and the UBJSON that XGBoost writes.

XGBoost follows what a file says without looking, so that is looked at before. This reader takes
what XGBoost writes and nothing else; what two readers might see differently, it refuses to read.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

_NUMBERS: Final = {
    b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8",
}  # fmt: skip
_DEEPEST: Final = 30


def read(path: Path) -> dict[str, Any]:
    """A file's content; arrays of numbers in UBJSON are numpy's.

    Raises ValueError or TypeError if it is no such file.
    """
    data = path.read_bytes()
    if path.suffix == ".json":  # as XGBoost decides it
        body = json.loads(data, object_pairs_hook=_once)
    else:
        if data[:1] != b"{":
            raise ValueError("it is no UBJSON; XGBoost's old binary format is not read")
        body = _UBJSON(data).read()
    if not isinstance(body, dict):
        raise TypeError("it holds no object")
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


class _UBJSON:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self) -> Any:
        """The one value of the file."""
        return self._value(self._take(1), 0)

    def _take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if count < 0 or len(part) < count:
            raise ValueError("it ends too early")
        self._at += count
        return part

    def _value(self, marker: bytes, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("it has parts within parts without end")
        if marker in _NUMBERS:
            kind = np.dtype(_NUMBERS[marker])
            return np.frombuffer(self._take(kind.itemsize), kind)[0].item()
        if marker == b"S":
            return self._text()
        if marker == b"{":
            return self._object(depth + 1)
        if marker == b"[":
            return self._array(depth + 1)
        if marker in {b"T", b"F", b"Z"}:
            return {b"T": True, b"F": False, b"Z": None}[marker]
        raise ValueError(f"it has a part of the kind {marker!r}")

    def _length(self) -> int:
        if self._take(1) != b"L":
            raise ValueError("it has a length that is none")
        return int(struct.unpack(">q", self._take(8))[0])

    def _text(self) -> str:
        return self._take(self._length()).decode("utf-8")

    def _object(self, depth: int) -> dict[str, Any]:
        pairs = []
        while self._data[self._at : self._at + 1] != b"}":
            key = self._text()
            pairs.append((key, self._value(self._take(1), depth)))
        self._take(1)
        return _once(pairs)

    def _array(self, depth: int) -> Any:
        start = self._take(1)
        if start == b"$":
            kind, sign = self._take(1), self._take(1)
            if kind not in _NUMBERS or sign != b"#":
                raise ValueError(f"it has an array of the kind {kind!r}")
            dtype = np.dtype(_NUMBERS[kind])
            count = self._length()
            return np.frombuffer(self._take(count * dtype.itemsize), dtype)
        if start == b"#":
            count = self._length()
            if count > len(self._data):
                raise ValueError("it ends too early")
            return [self._value(self._take(1), depth) for _ in range(count)]
        found = []
        while start != b"]":
            found.append(self._value(start, depth))
            start = self._take(1)
        return found
