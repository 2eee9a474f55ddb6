"""Text that fits: cut in the middle, by the cells it takes in a terminal; safe to print."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text in one line, without anything that steers a terminal."""
    return _UNPRINTABLE.sub(lambda found: _NAMED.get(found[0]) or f"\\x{ord(found[0]):02x}", text)


def width_of(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return cell_len(text)


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """The text in at most ``width`` cells; what is too long is cut in the middle."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room <= 0:
        return ellipsis[: max(width, 0)]
    tail = room // 2
    return _head(text, room - tail) + ellipsis + _tail(text, tail)


def _head(text: str, cells: int) -> str:
    return set_cell_size(text, cells).rstrip(" ") if cells else ""


def _tail(text: str, cells: int) -> str:
    taken = 0
    for position in range(len(text) - 1, -1, -1):
        taken += cell_len(text[position])
        if taken > cells:
            return text[position + 1 :]
    return text
