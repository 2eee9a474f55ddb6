"""What recording costs on the training thread, by what, and whether there is room for more.

Times are exclusive: what is spent inside something else that is metered counts once, for the inner
one. Their sum is therefore the time by which training would have been shorter without chiplog.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting
from chiplog.core.autolog.receipt import Cost, Omission

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from chiplog.core.autolog.receipt import Receipt

DEFAULT_SHARE: Final = 0.01
"""The part of the training time that extras may take together with everything else that is recorded
while it goes on, unless the user says another."""

LEAST_SHARE: Final = 0.001
"""The part that extras may take even if everything else takes more than that, in this case."""


MOST_WARMING: Final = 0.05
"""The seconds up to which the first time is not held against the others of its kind."""


class Meter:
    """What one kind of recording has cost so far.

    Attributes:
        seconds: the time spent on it.
        times: how often it was done.
        asked: how often it was asked whether one more can be afforded.
        denied: how often it could not.
        is_off: it went wrong and is not done any more.
        warming: what of the seconds went into the first time, if that was an extra's and short: it
            takes many times as long as the others.
    """

    __slots__ = ("asked", "denied", "is_off", "seconds", "times", "warming", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.seconds = 0.0
        self.times = 0
        self.asked = 0
        self.denied = 0
        self.is_off = False
        self.warming = 0.0

    @property
    def next_one(self) -> float:
        """The seconds that once more is expected to take."""
        if self.warming:
            return (self.seconds - self.warming) / (self.times - 1) if self.times > 1 else 0.0
        return self.seconds / self.times if self.times else 0.0


class Budget:
    """The costs of one session, and the limit they are to stay within.

    Attributes:
        limit: the part of the training time that recording may take, as the user set it. None lets
            extras take :data:`DEFAULT_SHARE` of it and everything else what it needs.
        total: all that was spent, in seconds.
        steps_asked: how many steps there were, if anybody asked.
        steps_denied: how many of them were left out.
    """

    __slots__ = (
        "_began",
        "_during",
        "_extras",
        "_mark",
        "_meters",
        "_omissions",
        "_once",
        "_share",
        "_trained",
        "limit",
        "steps_asked",
        "steps_denied",
        "total",
    )

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.total = 0.0
        self.steps_asked = 0
        self.steps_denied = 0
        self._share = DEFAULT_SHARE if limit is None else limit
        self._meters: dict[str, Meter] = {}
        self._extras = 0.0  # but for the first of each kind
        self._once = 0.0  # while training goes on, for what is not recorded in steps
        self._began: float | None = None  # the stretch of training that goes on: its beginning,
        self._mark = 0.0  # and the total at it
        self._during = 0.0  # of the stretches before: what was spent in them,
        self._trained = 0.0  # and what they took without that
        self._omissions: list[Omission] = []

    # The course of training

    def start(self) -> float:
        """Training begins or goes on; hands back when."""
        self._mark = self.total
        self._began = perf_counter()
        return self._began

    def stop(self) -> float:
        """Training ended; hands back the seconds it took, without what recording took of them."""
        if self._began is None:
            return 0.0
        spent = self.total - self._mark
        took = max(perf_counter() - self._began - spent, 0.0)
        self._began = None
        self._trained += took
        self._during += spent
        return took

    def trained(self) -> float:
        """The seconds training has taken so far, without what recording took of them."""
        if self._began is None:
            return self._trained
        return self._trained + perf_counter() - self._began - (self.total - self._mark)

    def during(self) -> float:
        """The seconds recording has taken while training went on."""
        return self._during if self._began is None else self._during + self.total - self._mark

    # Spending

    def meter(self, what: str) -> Meter:
        """The meter of that name."""
        meter = self._meters.get(what)
        if meter is None:
            meter = self._meters[what] = Meter(what)
        return meter

    def charge(self, what: str, began: float, base: float) -> None:
        """Put down a piece of work that began at ``began``, when the total was ``base``."""
        self._add(self.meter(what), began, base)

    def _add(self, meter: Meter, began: float, base: float) -> float:
        elapsed = perf_counter() - began
        total = base + elapsed
        meter.seconds += total - self.total
        meter.times += 1
        self.total = total
        return elapsed

    # Whether there is room for more

    def affords(self, what: str) -> bool:
        """Whether ``what`` may be done once more now; counts the question."""
        meter = self.meter(what)
        meter.asked += 1
        if not meter.times and (self.limit is None or not self.during()) and not self._extras:
            return True  # the first of all: what it costs is not known before
        if self._lacks(meter) <= 0.0:
            return True
        meter.denied += 1
        return False

    def affordable_at(self, what: str) -> float:
        """When, by :func:`time.perf_counter`, :meth:`affords` may be asked again.

        Before that it would say no. For what asks in every step: it can count the steps itself.
        """
        return perf_counter() + self._lacks(self.meter(what))

    def _lacks(self, meter: Meter) -> float:
        """How many seconds training is still to take until one more can be afforded."""
        trained, next_one = self.trained(), meter.next_one
        if self.limit is not None:
            return (self.during() + next_one) / self._share - trained
        lacks = (self.during() - self._once + next_one) / self._share - trained
        if lacks > 0.0:
            lacks = min(lacks, (self._extras + next_one) / LEAST_SHARE - trained)
        return lacks

    def keeps_step(self) -> bool:
        """Whether the scalars of one more step may be recorded now; counts the question."""
        if self.limit is None:
            return True
        self.steps_asked += 1
        spent = self.during()
        kept = self.steps_asked - 1 - self.steps_denied
        if spent + (spent / kept if kept else 0.0) <= self.limit * self.trained():
            return True
        self.steps_denied += 1
        return False

    # Telling

    def fill(self, receipt: Receipt) -> None:
        """Tell in a receipt what was spent on what, and what was left out for its cost."""
        receipt.overhead_ms = self.total * 1e3
        receipt.during_ms = self.during() * 1e3
        meters = sorted(self._meters.values(), key=lambda meter: -meter.seconds)
        receipt.costs = [
            Cost(meter.what, meter.seconds * 1e3, meter.times, meter.asked)
            for meter in meters
            if meter.times
        ]
        told, self._omissions = self._omissions, self._left_out(meters)
        receipt.degraded = [
            line for line in receipt.degraded if not any(line is old for old in told)
        ]
        receipt.degraded += self._omissions

    def _left_out(self, meters: list[Meter]) -> list[Omission]:
        within = (
            f"to stay within max_overhead={self.limit:g}"
            if self.limit is not None
            else f"to stay within {DEFAULT_SHARE:.0%} of the training time; "
            "autolog(max_overhead=...) sets another limit"
        )
        counts = [(m.what, m.asked, m.denied) for m in meters]
        counts.append(("metrics of each step", self.steps_asked, self.steps_denied))
        return [
            Omission(what, f"recorded at {asked - denied} of {asked} steps, {within}")
            for what, asked, denied in counts
            if denied
        ]


class Spending:
    """A block whose time is put down; watching is switched off in it. Not to be entered twice."""

    __slots__ = ("_base", "_began", "_budget", "_is_extra", "_meter")

    def __init__(self, budget: Budget, meter: Meter, *, is_extra: bool = False) -> None:
        self._budget = budget
        self._meter = meter
        self._is_extra = is_extra

    def __enter__(self) -> Self:
        nesting._state.asleep += 1  # noqa: SLF001 - once per step
        self._base = self._budget.total
        self._began = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        budget, meter = self._budget, self._meter
        before = meter.seconds
        elapsed = budget._add(meter, self._began, self._base)  # noqa: SLF001 - of this module
        if not self._is_extra:
            if budget._began is not None:  # noqa: SLF001 - as above
                budget._once += meter.seconds - before  # noqa: SLF001 - as above
        elif meter.times == 1 and elapsed < MOST_WARMING:
            meter.warming = elapsed
        else:
            budget._extras += elapsed  # noqa: SLF001 - as above
        nesting._state.asleep -= 1  # noqa: SLF001 - once per step


def metered(
    budget: Budget,
    meter: Meter,
    function: Callable[..., Any],
    failed: Callable[[str, Exception], None],
) -> Callable[..., Any]:
    """``function`` with its time put down and watching switched off in it, never raising.

    After an exception, which goes to ``failed``, it is not called again. What it hands back is
    handed back, None instead if it was not called or raised.
    """
    state, clock = nesting._state, perf_counter  # noqa: SLF001 - once per step

    def call(*args: Any, **kwargs: Any) -> Any:
        if meter.is_off:
            return None
        base = budget.total
        state.asleep += 1
        began = clock()
        try:
            return function(*args, **kwargs)
        except Exception as error:
            meter.is_off = True
            failed(meter.what, error)
        finally:
            total = base + clock() - began
            meter.seconds += total - budget.total
            meter.times += 1
            budget.total = total
            state.asleep -= 1

    return call
