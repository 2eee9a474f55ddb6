"""Silence is impossible: what was seen and not recorded is said in one line at exit."""

from __future__ import annotations

import atexit
import logging
import os

_log = logging.getLogger("chiplog.autolog")


class Account:
    """What this process's training calls came to.

    Attributes:
        recorded: sessions that were recorded.
    """

    def __init__(self) -> None:
        self.recorded = 0
        self._troubles: dict[str, str] = {}
        self._unrecorded: dict[str, tuple[int, str]] = {}
        self._pid = os.getpid()

    def trouble(self, flavor: str, reason: str) -> None:
        """Note why nothing of a framework that was imported can be recorded."""
        self._troubles[flavor] = reason
        self._watch_exit()

    def settled(self, flavor: str) -> None:
        """Note that a framework can be recorded after all, or need not be."""
        self._troubles.pop(flavor, None)

    def unrecorded(self, point: str, reason: str) -> None:
        """Note a training call of which nothing was recorded."""
        count, _ = self._unrecorded.get(point, (0, reason))
        self._unrecorded[point] = (count + 1, reason)
        self._watch_exit()

    def recorded_after_all(self, point: str) -> None:
        """Forget what was noted of calls which turn out to be parts of what is recorded."""
        self._unrecorded.pop(point, None)

    def line(self) -> str | None:
        """The line to say at exit, or None if there is nothing to say."""
        calls = [
            f"{count} call{'s' if count > 1 else ''} of {point} ({reason})"
            for point, (count, reason) in self._unrecorded.items()
        ]
        flavors = [f"{flavor} ({reason})" for flavor, reason in self._troubles.items()]
        if not calls and not flavors:
            return None
        return "autolog() is on, but nothing was recorded of: " + "; ".join(calls + flavors)

    def forget(self) -> None:
        """Begin anew."""
        self.recorded = 0
        self._troubles.clear()
        self._unrecorded.clear()

    def _watch_exit(self) -> None:
        if not _registered:
            _registered.append(True)
            atexit.register(_say)


_registered: list[bool] = []

account = Account()


def _say() -> None:
    line = account.line()
    if line is not None and account._pid == os.getpid():  # noqa: SLF001 - of this module
        _log.warning(line)
