"""What ``synchronous=False`` hands back, and the switch that makes it the default.

Recording never waits for the store here, so both ways are the same but for this handle.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from chiplog.core.config import env_bool

if TYPE_CHECKING:
    from chiplog.core.journal import Journal


class RunOperations:
    """A handle on what was recorded."""

    def __init__(self, journals: list[Journal]) -> None:
        self._journals = journals

    def wait(self) -> None:
        """Wait until it can be read from the store."""
        for journal in self._journals:
            journal.flush()


def enable_async_logging(enable: bool = True) -> None:
    """Make logging functions hand back a :class:`RunOperations` unless told otherwise."""
    for variable in ("CHIPLOG_ENABLE_ASYNC_LOGGING", "MLFLOW_ENABLE_ASYNC_LOGGING"):
        os.environ[variable] = "true" if enable else "false"
    switch.on = enable


class _Switch:
    """The default of ``synchronous``, read from the environment once: the hot path asks for it."""

    def __init__(self) -> None:
        self.on = env_bool("ENABLE_ASYNC_LOGGING", default=False)

    def handle(self, journal: Journal, synchronous: bool | None) -> RunOperations | None:
        """The handle for a call with this ``synchronous``, if it wants one."""
        wants = self.on if synchronous is None else not synchronous
        return RunOperations([journal]) if wants else None


switch = _Switch()
