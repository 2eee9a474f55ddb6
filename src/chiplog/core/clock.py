"""The time as chiplog records it."""

from __future__ import annotations

from time import time_ns


def now_ms() -> int:
    """The time, in milliseconds since the epoch."""
    return time_ns() // 1_000_000
