"""IEEE doubles as 64-bit integers that sort as the doubles do.

The mapping loses nothing: NaNs keep their bits, -0.0 its sign. Integers below :data:`LOWEST` and
above :data:`HIGHEST`, the infinities', are NaNs.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_double = struct.Struct("<d")
_int = struct.Struct("<q")
_MAGNITUDE: Final = 0x7FFF_FFFF_FFFF_FFFF


def encode(value: float) -> int:
    """The integer of a double."""
    bits: int = _int.unpack(_double.pack(value))[0]
    return bits if bits >= 0 else bits ^ _MAGNITUDE


def decode(rank: int) -> float:
    """The double of an integer."""
    value: float = _double.unpack(_int.pack(rank if rank >= 0 else rank ^ _MAGNITUDE))[0]
    return value


def encode_array(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The integers of doubles."""
    import numpy as np  # a program that only reads runs does without

    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.int64)
    return np.where(bits >= 0, bits, bits ^ _MAGNITUDE)


LOWEST: Final = encode(-math.inf)
HIGHEST: Final = encode(math.inf)
NEGATIVE_ZERO: Final = encode(-0.0)
ZERO: Final = encode(0.0)


def is_number(rank: int) -> bool:
    """Whether an integer is that of a number or infinity, not of a NaN."""
    return LOWEST <= rank <= HIGHEST


def span(value: float) -> tuple[int, int]:
    """The least and the greatest integer whose double equals ``value``: two for zero."""
    if value == 0:
        return NEGATIVE_ZERO, ZERO
    rank = encode(value)
    return rank, rank
