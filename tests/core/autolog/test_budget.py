"""What recording costs, and that it leaves out rather than exceeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import budget as budget_module
from chiplog.core.autolog import nesting
from chiplog.core.autolog.budget import Budget, Spending, metered
from chiplog.core.autolog.config import AutologConfig
from chiplog.core.autolog.engine import autolog, flavor_autolog, installation
from chiplog.core.autolog.opening import open_session
from chiplog.core.autolog.receipt import Receipt
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from chiplog.testing.project import Project


class Clock:
    """A clock that goes on only when it is told to, so that shares of time are exact."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that budgets look at."""
    clock = Clock()
    monkeypatch.setattr(budget_module, "perf_counter", clock)
    return clock


def _never(what: str, error: Exception) -> None:
    raise AssertionError((what, error))


def _receipt(budget: Budget) -> Receipt:
    receipt = Receipt("tiny")
    budget.fill(receipt)
    return receipt


# The setting


@pytest.mark.parametrize("value", [0, -0.1, float("nan"), True, "0.01", [1], object()])
def test_a_limit_that_is_no_number_above_zero_is_told_at_the_call(value: object) -> None:
    with pytest.raises(InvalidValue, match=r"max_overhead=.*a number above 0"):
        AutologConfig(max_overhead=value)  # type: ignore[arg-type]  # which is what is tested
    with pytest.raises(InvalidValue, match="max_overhead"):
        autolog(max_overhead=value)  # type: ignore[arg-type]  # likewise


def test_the_limit_reaches_every_integration(tiny: Any) -> None:
    autolog(max_overhead=0.02)
    known = installation("tiny")
    assert known is not None
    assert known.config.max_overhead == 0.02
    flavor_autolog("tiny")(max_overhead=1)
    known = installation("tiny")
    assert known is not None
    assert known.config.max_overhead == 1.0


# Costs


def test_what_is_spent_inside_something_else_counts_once(clock: Clock) -> None:
    budget = Budget(None)
    inner = metered(budget, budget.meter("inner"), lambda: clock.work(0.004), _never)

    def outer() -> None:
        with Spending(budget, budget.meter("extra"), is_extra=True):
            clock.work(0.002)
        inner()
        clock.work(0.001)

    budget.start()
    metered(budget, budget.meter("outer"), outer, _never)()
    budget.stop()
    receipt = _receipt(budget)
    assert {cost.what: cost.ms for cost in receipt.costs} == pytest.approx(
        {"inner": 4, "extra": 2, "outer": 1}
    )
    assert [cost.what for cost in receipt.costs] == ["inner", "extra", "outer"]
    assert receipt.overhead_ms == pytest.approx(7)
    assert receipt.during_ms == pytest.approx(7)


def test_training_time_is_told_without_what_recording_took_of_it(clock: Clock) -> None:
    budget = Budget(None)
    callback = metered(budget, budget.meter("callback"), lambda: clock.work(0.01), _never)
    budget.charge("opening the run", clock() - 0.5, 0.0)
    budget.start()
    clock.work(0.25)
    callback()
    assert budget.trained() == pytest.approx(0.25)
    assert budget.stop() == pytest.approx(0.25)
    assert budget.during() == pytest.approx(0.01)
    assert budget.total == pytest.approx(0.51)


def test_training_that_goes_on_adds_up(clock: Clock) -> None:
    budget = Budget(None)
    callback = metered(budget, budget.meter("callback"), lambda: clock.work(0.002), _never)
    for _ in range(3):
        budget.start()
        clock.work(0.1)
        callback()
        budget.stop()
        budget.charge("ending", clock() - 0.5, budget.total)
    first, second = _receipt(budget).costs
    assert (first.what, first.times) == ("ending", 3)
    assert first.ms == pytest.approx(1500)
    assert (second.what, second.times) == ("callback", 3)
    assert second.ms == pytest.approx(6)
    assert budget.during() == pytest.approx(0.006)
    assert budget.trained() == pytest.approx(0.3)


# Callbacks


def test_a_callback_that_raises_is_switched_off_and_nothing_gets_out() -> None:
    budget = Budget(None)
    calls: list[int] = []
    failures: list[tuple[str, Exception]] = []

    def failing(step: int) -> None:
        calls.append(step)
        raise LookupError("no such step")

    callback = metered(
        budget,
        budget.meter("per step"),
        failing,
        lambda what, error: failures.append((what, error)),
    )
    assert [callback(step) for step in range(3)] == [None, None, None]
    assert calls == [0]
    assert [(what, type(error)) for what, error in failures] == [("per step", LookupError)]
    assert nesting.is_watching()


def test_a_callback_hands_back_what_the_function_does_and_stops_for_an_interrupt() -> None:
    budget = Budget(None)
    assert metered(budget, budget.meter("a"), lambda x, *, y: x + y, _never)(1, y=2) == 3

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        metered(budget, budget.meter("b"), interrupted, _never)()
    assert nesting.is_watching()


def test_nothing_is_watched_in_a_callback() -> None:
    budget = Budget(None)
    assert not metered(budget, budget.meter("a"), nesting.is_watching, _never)()
    with Spending(budget, budget.meter("b")):
        assert not nesting.is_watching()
    assert nesting.is_watching()


def test_a_callbacks_failure_is_in_the_receipt_and_raised_at_the_end_when_strict(
    tiny: Any, project: Project
) -> None:
    opened = open_session("tiny")
    assert opened is not None
    callback = opened.session.callback("losses", lambda: 1 / 0)
    callback()
    callback()
    with pytest.raises(ZeroDivisionError):
        opened.finish()
    receipt = project.receipt(opened.session.run_id)
    (line,) = [line for line in receipt.degraded if line.what == "losses"]
    assert "ZeroDivisionError" in line.reason
    assert project.runs()[0].info.status == "FINISHED"


@pytest.mark.usefixtures("lenient")
def test_at_a_users_a_callbacks_failure_is_one_warning(
    tiny: Any, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    opened = open_session("tiny")
    assert opened is not None
    callback = opened.session.callback("losses", lambda: 1 / 0)
    callback()
    callback()
    opened.finish()
    (said,) = [r for r in caplog.records if "losses" in r.getMessage()]
    assert "ZeroDivisionError" in said.getMessage()


# Limits


def test_extras_stay_within_their_part_of_the_training_time(clock: Clock) -> None:
    budget = Budget(None)
    budget.start()
    done = 0
    for _ in range(1000):
        clock.work(0.001)
        if budget.affords("gradient norm"):
            with Spending(budget, budget.meter("gradient norm"), is_extra=True):
                clock.work(0.001)
                done += 1
    budget.stop()
    assert done == 10
    receipt = _receipt(budget)
    (line,) = receipt.degraded
    assert line.what == "gradient norm"
    assert line.reason.startswith("recorded at 10 of 1000 steps, to stay within 1%")
    (cost,) = receipt.costs
    assert (cost.times, cost.of) == (10, 1000)
    assert all(budget.keeps_step() for _ in range(10))  # scalars are always kept


def test_extras_are_rare_where_scalars_alone_take_more_than_their_part(clock: Clock) -> None:
    budget = Budget(None)
    record = metered(budget, budget.meter("per step"), lambda: clock.work(0.00005), _never)
    budget.start()
    done, ready = 0, 0.0
    for _ in range(10000):
        clock.work(0.001)
        record()
        asks = clock.now >= ready
        if budget.affords("gradient norm"):
            assert asks
            done += 1
            with Spending(budget, budget.meter("gradient norm"), is_extra=True):
                clock.work(0.0002)
        else:
            ready = budget.affordable_at("gradient norm")
    assert done == pytest.approx(50, abs=2)  # a thousandth of the time


def test_extras_of_several_kinds_share_one_limit(clock: Clock) -> None:
    budget = Budget(None)
    budget.start()
    for _ in range(1000):
        clock.work(0.001)
        for what in ("gradient norm", "histogram"):
            if budget.affords(what):
                with Spending(budget, budget.meter(what), is_extra=True):
                    clock.work(0.0005)
    trained = budget.stop()
    assert budget.during() <= 0.01 * trained + 0.0005
    assert {cost.what for cost in _receipt(budget).costs} == {"gradient norm", "histogram"}


def test_what_costs_little_is_always_afforded(clock: Clock) -> None:
    budget = Budget(None)
    budget.start()
    for _ in range(50):
        clock.work(0.001)
        assert budget.affords("histogram")
        with Spending(budget, budget.meter("histogram"), is_extra=True):
            clock.work(0.000005)
    budget.stop()
    assert _receipt(budget).degraded == []


def test_with_a_limit_of_the_users_steps_are_left_out_and_told(clock: Clock) -> None:
    budget = Budget(0.05)
    record = metered(budget, budget.meter("per step"), lambda: clock.work(0.001), _never)
    budget.start()
    kept = 0
    for _ in range(1000):
        clock.work(0.001)
        if budget.keeps_step():
            record()
            kept += 1
    trained = budget.stop()
    assert kept == pytest.approx(50, abs=1)
    assert budget.during() <= 0.05 * trained + 0.001
    (line,) = _receipt(budget).degraded
    assert line.what == "metrics of each step"
    assert line.reason == f"recorded at {kept} of 1000 steps, to stay within max_overhead=0.05"


def test_extras_and_steps_share_the_users_limit(clock: Clock) -> None:
    budget = Budget(0.1)
    record = metered(budget, budget.meter("per step"), lambda: clock.work(0.00005), _never)
    budget.start()
    for _ in range(1000):
        clock.work(0.001)
        if budget.keeps_step():
            record()
        if budget.affords("gradient norm"):
            with Spending(budget, budget.meter("gradient norm"), is_extra=True):
                clock.work(0.0005)
    trained = budget.stop()
    assert budget.during() <= 0.1 * trained + 0.0005


def test_a_receipt_that_is_filled_again_says_it_once(clock: Clock) -> None:
    budget = Budget(1e-9)
    receipt = Receipt("tiny")
    for _ in range(2):
        budget.start()
        for _ in range(5):
            clock.work(0.001)
            if budget.affords("extra"):
                with Spending(budget, budget.meter("extra"), is_extra=True):
                    clock.work(0.001)
        budget.stop()
        budget.fill(receipt)
    (line,) = receipt.degraded
    assert line.reason.startswith("recorded at 1 of 10 steps")


# In a receipt


def test_a_receipt_tells_what_recording_cost_by_what(tiny: Any, project: Project) -> None:
    autolog()
    tiny.Trainer(rate=0.1).fit([1.0])
    (run,) = project.runs()
    receipt = project.receipt(run.info.run_id)
    costs = {cost.what: cost.ms for cost in receipt.costs}
    assert {"params", "metrics", "opening the run", "ending the run"} <= set(costs)
    assert sum(costs.values()) == pytest.approx(receipt.overhead_ms)
    assert receipt.during_ms == 0.0
