"""The metrics that a module logs with ``self.log``, read where Lightning keeps them.

Lightning hands metrics to loggers every ``log_every_n_steps`` steps only. What was logged at the
other steps lies in the loop's result collection, which is looked at after each batch.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.scalars import Backlog, number

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession

SUFFIX = "_step"


class _Series:
    """One metric of a loop.

    Attributes:
        key: the name its points are recorded under; None if it has none at single steps.
        plain: the name the module logged it under.
        is_loss: whether it says "loss".
        count: how often it had been logged when it was last looked at.
    """

    __slots__ = ("count", "is_loss", "key", "plain")

    def __init__(self, key: str | None, plain: str) -> None:
        self.key = key
        self.plain = plain
        self.is_loss = "loss" in plain.lower()
        self.count = -1


class StepMetrics:
    """The points of single steps that one loop has logged.

    Attributes:
        count: how many points were recorded.
        keys: the names they were recorded under.
    """

    def __init__(
        self, session: TrainingSession, results: Any, backlog: Backlog, *, keeps_names: bool
    ) -> None:
        self._session = session
        self._log = session.log_metric
        self._tensor: Any = sys.modules["torch"].Tensor
        self._results = results
        self._backlog = backlog
        self._keeps_names = keeps_names
        self._series: dict[str, _Series] = {}
        self._refused: set[str] = set()
        self.count = 0
        self.keys: set[str] = set()

    def begin_epoch(self) -> None:
        """An epoch begins: Lightning counts anew how often each metric was logged."""
        for series in self._series.values():
            series.count = -1

    def record(self, step: int, at: int) -> bool:
        """Record what was logged since the last time; says whether a loss was among it."""
        has_loss = False
        for name, logged in self._results.items():
            series = self._series.get(name)
            if series is None:
                series = self._series[name] = self._meet(logged)
            if series.key is None:
                continue
            count = logged._update_count  # noqa: SLF001 - torchmetrics has no quicker name for it
            if count == series.count or not count or logged.has_reset:
                continue
            series.count = count
            value = logged._forward_cache  # noqa: SLF001 - the value of this batch
            if value is not None:
                self.put(series.key, value, step, at)
                has_loss = has_loss or series.is_loss
        return has_loss

    def put(self, key: str, value: Any, step: int, at: int) -> None:
        """Record one point; a device's when it has arrived, what is no number not at all."""
        # The usual case by a short cut: one number on the CPU.
        short = type(value) is self._tensor and value.is_cpu and value.numel() == 1
        short = short and not value.is_complex()
        found = float(value.item()) if short else number(value)
        if type(found) is float and not self._backlog:
            self._log(key, found, step, at)
        elif found is None:
            self._refuse(key, value)
            return
        else:
            self._backlog.add(key, found, step, at)
        self.count += 1
        self.keys.add(key)

    def _meet(self, logged: Any) -> _Series:
        meta = logged.meta
        name, forked = self._results._forked_name(logged, True)  # noqa: SLF001 - Lightning's
        if not meta.on_step or (self._keeps_names and not meta.logger):
            return _Series(None, name)
        key = forked if self._keeps_names or forked != name else f"{name}{SUFFIX}"
        return _Series(key, name)

    def _refuse(self, key: str, value: Any) -> None:
        if key not in self._refused:
            self._refused.add(key)
            self._session.skipped(f"metric {key!r}", f"{type(value).__name__} is no scalar")


def only_at_steps(results: Any) -> set[str]:
    """The names of what was logged at single steps alone, in the epoch that ends."""
    return {
        results._forked_name(logged, False)[0]  # noqa: SLF001 - Lightning's
        for logged in results.values()
        if logged.meta.on_step and not logged.meta.on_epoch and not logged.has_reset
    }


def of_epochs(results: Any) -> set[str]:
    """The names under which the loop that ends hands its metrics to callbacks."""
    names: set[str] = set()
    for logged in results.values():
        if logged.meta.on_epoch and not logged.has_reset:
            names.update(results._forked_name(logged, False))  # noqa: SLF001 - Lightning's
    return names
