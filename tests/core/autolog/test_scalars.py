"""Scalars of any framework become numbers, at once or when their device has them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from chiplog.core.autolog import scalars
from chiplog.core.autolog.scalars import Backlog, Pending, mean, number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, 1.5),
        (3, 3.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7.0),
        (np.array([2.5]), 2.5),
        (np.array(True), 1.0),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        (math.inf, math.inf),
    ],
)
def test_a_scalar_on_the_host_is_a_number_at_once(value: Any, expected: float) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    "value",
    ["0.5", b"1", None, object(), [1.0], np.array([1.0, 2.0]), np.array("a"), 1j, 10**400],
)
def test_what_is_no_scalar_is_none(value: Any) -> None:
    assert number(value) is None


def test_a_nan_stays_one() -> None:
    found = number(np.float64("nan"))
    assert isinstance(found, float)
    assert math.isnan(found)


def test_the_mean_of_numbers_and_of_what_is_to_come() -> None:
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert mean([1.0, 3.0], 2.0) == 4.0
    both = mean([1.0, Pending(["a"]), Pending(["b"])])
    assert isinstance(both, Pending)
    assert both.parts == ("a", "b")
    assert both.value([2.0, 6.0]) == 3.0


@pytest.mark.framework
class TestTorch:
    """With torch's tensors; those of the host stand for a device's where one is needed."""

    torch: Any

    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        self.torch = pytest.importorskip("torch")

    def test_tensors(self) -> None:
        torch = self.torch
        assert number(torch.tensor(0.5, requires_grad=True)) == 0.5
        assert number(torch.tensor([[2]])) == 2.0
        assert number(torch.tensor(0.5, dtype=torch.bfloat16)) == 0.5
        assert number(torch.tensor([1.0, 2.0])) is None
        assert number(torch.tensor(1j)) is None
        assert number(torch.empty((), device="meta")) is None

    def test_what_waits_is_recorded_in_order_with_its_step_and_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torch = self.torch
        monkeypatch.setattr(scalars, "LOOK_SECONDS", 3600.0)
        recorded: list[tuple[str, float, int, int]] = []
        backlog = Backlog(lambda *point: recorded.append(point))
        backlog.add("loss", Pending([torch.tensor(0.0)]), 0, 999)  # looks at once, then rarely
        for step in range(1, 4):
            backlog.add("loss", Pending([torch.tensor(float(step))], factor=2.0), step, 1000 + step)
        backlog.add("lr", 0.1, 3, 1003)
        backlog.add("half", Pending([torch.tensor(0.5, dtype=torch.float16)]), 3, 1003)
        assert bool(backlog)
        assert len(recorded) < 6
        backlog.flush()
        assert recorded == [
            ("loss", 0.0, 0, 999),
            ("loss", 2.0, 1, 1001),
            ("loss", 4.0, 2, 1002),
            ("loss", 6.0, 3, 1003),
            ("lr", 0.1, 3, 1003),
            ("half", 0.5, 3, 1003),
        ]
        assert not backlog

    def test_looking_again_brings_what_has_arrived(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scalars, "LOOK_SECONDS", 0.0)
        recorded: list[float] = []
        backlog = Backlog(lambda key, value, step, at: recorded.append(value))
        backlog.add("loss", Pending([self.torch.tensor(1.0)]), 0)
        backlog.look()
        backlog.look()
        assert recorded == [1.0]

    def test_only_changes_if_that_is_asked_for(self) -> None:
        recorded: list[tuple[int, float]] = []
        backlog = Backlog(lambda key, value, step, at: recorded.append((step, value)))
        for step, value in enumerate([0.1, 0.1, 0.2, 0.2, 0.1]):
            backlog.add("lr", value, step, if_changed=True)
        assert recorded == [(0, 0.1), (2, 0.2), (4, 0.1)]

    def test_a_pending_number_keeps_no_graph(self) -> None:
        torch = self.torch
        weight = torch.ones(2, requires_grad=True)
        pending = Pending([(weight * 2).sum().detach().clone()])
        assert pending.parts[0].grad_fn is None
        backlog = Backlog(lambda *point: None)
        backlog.add("loss", pending, 0)
        backlog.flush()
        assert not backlog


def test_other_arrays_are_read_on_the_background_thread() -> None:
    recorded: list[float] = []
    backlog = Backlog(lambda key, value, step, at: recorded.append(value))
    backlog.add("loss", Pending([np.float64(1.0), np.float64(2.0)]), 0)
    backlog.flush()
    assert recorded == [3.0]
