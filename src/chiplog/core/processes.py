"""The end of child processes of multiprocessing, which leave without ``atexit``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RUNS_FIRST: Final = 100  # those of a higher priority are called first
_JOURNALS_LAST: Final = 1


def at_multiprocessing_exit(function: Callable[[], object], *, after_runs: bool = False) -> None:
    """Call a function when this process leaves, if it is a child of multiprocessing.

    Nothing is done in other processes: ``atexit`` serves them. ``after_runs``: when the runs that
    are open have been ended.
    """
    if "multiprocessing.process" in sys.modules:
        from multiprocessing import parent_process, util

        if parent_process() is not None:
            priority = _JOURNALS_LAST if after_runs else _RUNS_FIRST
            util.Finalize(None, function, exitpriority=priority)
