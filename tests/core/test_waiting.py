"""Waiting with a limit, and a bar where somebody is looking."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from chiplog.core import waiting
from chiplog.core.waiting import wait_visibly


class Clock:
    """A thing to wait for: it comes to pass after some seconds, unless it is in vain."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, comes_after: float) -> None:
        self.now = 0.0
        self.comes_after = comes_after
        self.asked: list[float] = []
        now = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(waiting, "time", now)

    def wait(self, seconds: float) -> bool:
        self.asked.append(seconds)
        self.now = min(self.now + seconds, max(self.now, self.comes_after))
        return self.now >= self.comes_after


@pytest.mark.parametrize(
    ("comes_after", "limit", "asked"),
    [
        (0.5, 30.0, [1.0]),
        (5.0, 30.0, [1.0, 29.0]),
        (50.0, 30.0, [1.0, 29.0]),
        (5.0, 0.25, [0.25]),
        (5.0, 0.0, [0.0]),
    ],
)
def test_a_wait_lasts_no_longer_than_its_limit(
    monkeypatch: pytest.MonkeyPatch, comes_after: float, limit: float, asked: list[float]
) -> None:
    clock = Clock(monkeypatch, comes_after=comes_after)
    assert wait_visibly("Waiting", clock.wait, limit) is (comes_after <= limit)
    assert clock.asked == asked
    assert clock.now == min(comes_after, limit)


def test_a_wait_in_vain_ends_at_once() -> None:
    asked: list[float] = []

    def in_vain(seconds: float) -> bool:
        asked.append(seconds)
        return False

    assert not wait_visibly("Waiting", in_vain, 30.0)
    assert asked == [1.0]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals here")
def test_on_a_terminal_a_bar_says_what_goes_on_and_how_much_is_left() -> None:
    program = (
        "import time; from chiplog.core import waiting; waiting._QUIET_SECONDS = 0.0;"
        "waiting._TOLERANCE = 9.0;"
        "waiting.wait_visibly('Delivering it', lambda s: time.sleep(0.3), 0.3, left=lambda: 1234)"
    )
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the terminal was closed
        pass
    os.close(ours)
    assert b"Delivering it" in shown
    assert b"1,234 records left" in shown
