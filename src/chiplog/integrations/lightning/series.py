"""The metrics that a module logs with ``self.log``, read where Lightning keeps them.

Lightning hands metrics to loggers every ``log_every_n_steps`` steps only. What was logged at the
other steps lies in the loop's result collection, which is looked at after each batch.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.scalars import Backlog, number

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession

SUFFIX = "_step"


class _Series:
    """One metric of a loop.

    Attributes:
        key: the name its points are recorded under; None if it has none at single steps.
        is_loss: whether the name it was logged under says "loss".
        is_one_number: whether each of its values is a tensor of one element, as Lightning makes
            them of what is no torchmetrics object.
        count: how often it had been logged when it was last looked at.
        points: how many of its values were recorded by the short cut.
    """

    __slots__ = ("count", "is_loss", "is_one_number", "key", "points")

    def __init__(self, key: str | None, plain: str, *, is_one_number: bool = False) -> None:
        self.key = key
        self.is_loss = "loss" in plain.lower()
        self.is_one_number = is_one_number
        self.count = -1
        self.points = 0


class StepMetrics:
    """The points of single steps that one loop has logged."""

    def __init__(
        self, session: TrainingSession, results: Any, backlog: Backlog, *, keeps_names: bool
    ) -> None:
        self._session = session
        self._log = session.log_metric
        self._results = results
        self._backlog = backlog
        self._keeps_names = keeps_names
        self._series: dict[str, _Series] = {}
        self._refused: set[str] = set()
        self._others: Counter[str] = Counter()  # points recorded the long way, by name

    def counts(self) -> Counter[str]:
        """How many points were recorded under each name."""
        found = Counter(self._others)
        for series in self._series.values():
            if series.key is not None and series.points:
                found[series.key] += series.points
        return found

    def begin_epoch(self) -> None:
        """An epoch begins: Lightning counts anew how often each metric was logged."""
        for series in self._series.values():
            series.count = -1

    def record(self, step: int, at: int) -> bool:
        """Record what was logged since the last time; says whether a loss was among it."""
        has_loss = False
        known, log = self._series, self._log
        for name, logged in self._results.items():
            series = known.get(name)
            if series is None:
                series = known[name] = self._meet(logged)
            if series.key is None:
                continue
            state = logged.__dict__  # a module's attributes take longer
            count = state["_update_count"]  # torchmetrics has no quicker name for it
            if count == series.count or not count or state["has_reset"]:
                continue
            series.count = count
            value = state["_forward_cache"]  # the value of this batch
            if value is None:
                continue
            if series.is_loss:
                has_loss = True
            if series.is_one_number and value.is_cpu and not self._backlog:
                found = value.item()
                if type(found) is float:
                    log(series.key, found, step, at)
                    series.points += 1
                    continue
            self.put(series.key, value, step, at)
        return has_loss

    def put(self, key: str, value: Any, step: int, at: int) -> None:
        """Record one point; a device's when it has arrived, what is no number not at all."""
        found = number(value)
        if type(found) is float and not self._backlog:
            self._log(key, found, step, at)
        elif found is None:
            self._refuse(key, value)
            return
        else:
            self._backlog.add(key, found, step, at)
        self._others[key] += 1

    def _meet(self, logged: Any) -> _Series:
        meta = logged.meta
        name, forked = self._results._forked_name(logged, True)  # noqa: SLF001 - Lightning's
        if not meta.on_step or (self._keeps_names and not meta.logger):
            return _Series(None, name)
        key = forked if self._keeps_names or forked != name else f"{name}{SUFFIX}"
        return _Series(key, name, is_one_number=bool(logged.is_tensor))

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
