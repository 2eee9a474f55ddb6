"""Recovery beside the work: who writes does not wait for it, who reads does."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.journal import begin_recovery, orphans, recover, wait_until_recovered
from chiplog.core.runs.reading import readable_store
from chiplog.core.stores import open_tracking_store
from chiplog.hooks.manager import plugins
from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOGS_A_THOUSAND_POINTS = """
for step in range(1000):
    journal.append(loss, step, step, step / 2)
die()
"""


@pytest.fixture
def slow(store: Any) -> Iterator[threading.Event]:
    """Let a store for a dead process take its points when this is set, and not before."""
    store.uri = "memory://dead"
    go = threading.Event()

    def wait(batch: Any) -> None:
        if batch.points:
            go.wait(30)

    store.before_apply = wait
    yield go
    go.set()
    wait_until_recovered(store, 30)


@pytest.fixture
def opened(store: Any) -> Callable[[], Any]:
    """Open the store, as for the first time in this process."""
    plugin = next(p for p in plugins().get_plugins() if hasattr(p, "stores"))
    plugin.stores["memory://dead"] = store
    return lambda: open_tracking_store("memory://dead")


def read() -> Any:
    """The store, with everything readable."""
    return readable_store("memory://dead")


def test_opening_a_store_does_not_wait_for_recovery_and_reading_does(
    store: Any, orphan: Callable[..., Path], slow: threading.Event, opened: Callable[[], Any]
) -> None:
    orphan(LOGS_A_THOUSAND_POINTS)
    assert opened() is store
    assert store.dead == []
    threading.Timer(0.3, slow.set).start()
    assert read().steps() == list(range(1000))
    assert len(store.dead) == 1


def test_reading_does_not_wait_for_ever_and_says_so(
    store: Any,
    orphan: Callable[..., Path],
    slow: threading.Event,
    caplog: pytest.LogCaptureFixture,
    opened: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPLOG_END_TIMEOUT", "0.2")
    orphan(LOGS_A_THOUSAND_POINTS)
    opened()
    for _ in range(2):
        assert read().steps() == []
    (said,) = [r.getMessage() for r in caplog.records if "still being delivered" in r.getMessage()]
    assert "memory://dead" in said
    slow.set()
    monkeypatch.setenv("CHIPLOG_END_TIMEOUT", "30")
    assert read().steps() == list(range(1000))


def test_a_process_that_dies_later_is_found_by_who_reads(
    store: Any,
    orphan: Callable[..., Path],
    opened: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.uri = "memory://dead"
    opened()
    assert read().steps() == []
    orphan(LOGS_A_THOUSAND_POINTS)
    with monkeypatch.context() as patched:
        patched.setattr(orphans, "_PAUSE", 1e9)
        assert read().steps() == []  # it looked a moment ago
    assert read().steps() == list(range(1000))  # looking took no time, so it looks again soon


def test_a_recovery_waits_for_one_that_is_under_way(
    store: Any, orphan: Callable[..., Path], slow: threading.Event
) -> None:
    orphan(LOGS_A_THOUSAND_POINTS)
    first = begin_recovery(store)
    threading.Timer(0.3, slow.set).start()
    report = recover(store)
    assert store.steps() == list(range(1000))
    first.wait(30)
    assert first.report.points + report.points == 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_nobody_is_inside_a_store_while_the_process_forks(
    store: Any, orphan: Callable[..., Path]
) -> None:
    orphan(LOGS_A_THOUSAND_POINTS)
    store.uri = "memory://dead"
    inside, entered = threading.Lock(), threading.Event()  # a lock such as stores have

    def take_time(_batch: Any) -> None:
        with inside:
            entered.set()
            time.sleep(0.3)

    store.before_apply = take_time
    recovery = begin_recovery(store)
    assert entered.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(0 if inside.acquire(timeout=5) else 1)
    assert os.waitpid(child, 0)[1] == 0
    recovery.wait(60)
    assert store.steps() == list(range(1000))


class Slow:
    """Opens one store slowly."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()

    @hookimpl(tryfirst=True)
    def chiplog_tracking_store(self, uri: str) -> None:
        if uri == "memory://slow":
            self.began.set()
            self.go.wait(30)


def test_a_store_that_is_slow_to_open_holds_up_no_other(store: Any) -> None:
    plugin = Slow()
    plugins().add(plugin, "slow")
    opened: list[Any] = []
    threads = [
        threading.Thread(target=lambda: opened.append(open_tracking_store("memory://slow")))
        for _ in range(2)
    ]
    try:
        for thread in threads:
            thread.start()
        assert plugin.began.wait(10)
        assert open_tracking_store(store.uri) is store
        assert opened == []
    finally:
        plugin.go.set()
        for thread in threads:
            thread.join()
        plugins().remove("slow")
    assert opened[0] is opened[1]
