"""Waiting for delivery where somebody may be looking."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_QUIET_SECONDS: Final = 1.0
_TOLERANCE: Final = 0.1


def wait_visibly(
    what: str,
    wait: Callable[[float], bool],
    limit: float,
    *,
    left: Callable[[], int] | None = None,
) -> bool:
    """Wait for something; after a second a progress bar says so, on a terminal.

    Args:
        what: what goes on, for the bar: ``"Delivering run 'x'"``.
        wait: waits up to so many seconds; whether it has come to pass. It comes back early with
            False if waiting longer is in vain.
        limit: seconds to wait in all.
        left: how many records are still to be delivered, if that can be told.

    Hands back whether it has come to pass.
    """
    began = time.monotonic()
    if wait(min(_QUIET_SECONDS, limit)):
        return True
    if limit <= _QUIET_SECONDS or time.monotonic() - began < _QUIET_SECONDS - _TOLERANCE:
        return False
    if not sys.stderr.isatty():
        return wait(limit - _QUIET_SECONDS)
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:  # noqa: ARG002 - rich's signature
            return Text(f"{left():,} records left" if left else "")

    columns = TextColumn("{task.description}"), BarColumn(), Left(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        return wait(limit - _QUIET_SECONDS)  # the bar is drawn by a thread of its own
