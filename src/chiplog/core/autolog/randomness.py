"""Leaves the user's random numbers as they were, whatever is computed for the record."""

from __future__ import annotations

import contextlib
import random
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def untouched_random_state() -> Iterator[None]:
    """Run a block and put the states of ``random`` and numpy's global generator back if it drew."""
    put_back = [_python()]
    if "numpy.random" in sys.modules:
        put_back.append(_numpy(sys.modules["numpy.random"]))
    try:
        yield
    finally:
        for restore in put_back:
            restore()


def _python() -> Callable[[], None]:
    state = random.getstate()

    def restore() -> None:
        if random.getstate() != state:
            random.setstate(state)

    return restore


def _numpy(module: Any) -> Callable[[], None]:
    state = module.get_state(legacy=False)

    def restore() -> None:
        now = module.get_state(legacy=False)
        if not _same(state, now):
            module.set_state(state)

    return restore


def _same(before: Any, now: Any) -> bool:
    if isinstance(before, dict):
        return before.keys() == now.keys() and all(_same(before[k], now[k]) for k in before)
    equal = before == now
    return bool(equal.all()) if hasattr(equal, "all") else bool(equal)
