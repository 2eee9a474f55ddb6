"""Delivery: exactly once, whatever the store does meanwhile."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.errors import InvalidValue, StoreError, StoreUnavailable
from chiplog.core.journal import close_all, open_journal
from chiplog.core.records import ParamsLogged, Refused, Series, TagsSet
from chiplog.core.stores import StaleCursor
from chiplog.hooks.manager import plugins
from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.journal import Journal
    from chiplog.core.records import Batch

RUN = "a" * 32


def log(journal: Journal, number: int, steps: range) -> None:
    for step in steps:
        journal.append(number, step, 0, float(step))


def failing(error: Callable[[], Exception], times: int) -> Callable[[Batch], None]:
    """What makes the first ``times`` applications fail."""
    left = [times]

    def fail(_batch: Batch) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise error()

    return fail


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_store_that_is_down_for_a_while_costs_nothing(
    store: Any, journal: Journal, loss: int, caplog: pytest.LogCaptureFixture
) -> None:
    store.before_apply = failing(lambda: StoreUnavailable("the network is away"), 3)
    log(journal, loss, range(5000))
    assert journal.flush(20)
    assert store.steps() == list(range(5000))
    down, up = messages(caplog)
    assert "cannot be written for now" in down
    assert "the network is away" in down
    assert "can be written again" in up


def test_an_unknown_failure_of_the_store_is_tried_again_too(
    store: Any, journal: Journal, loss: int
) -> None:
    store.before_apply = failing(lambda: RuntimeError("surprise"), 2)
    log(journal, loss, range(10))
    assert journal.flush(20)
    assert store.steps() == list(range(10))


def test_a_store_that_comes_and_goes_is_told_of_once(
    store: Any, journal: Journal, loss: int, caplog: pytest.LogCaptureFixture
) -> None:
    for step in range(3):
        store.before_apply = failing(lambda: StoreUnavailable("the network is away"), 1)
        log(journal, loss, range(step, step + 1))
        assert journal.flush(20)
    assert store.steps() == [0, 1, 2]
    down, up = messages(caplog)
    assert "cannot be written for now" in down
    assert "can be written again" in up


def test_a_flush_times_out_while_the_store_is_down_and_delivery_goes_on(
    store: Any, journal: Journal, loss: int
) -> None:
    back = threading.Event()

    def away(_batch: Batch) -> None:
        if not back.is_set():
            raise StoreUnavailable("away")

    store.before_apply = away
    log(journal, loss, range(10))
    assert not journal.flush(0.3)
    back.set()
    assert journal.flush(20)
    assert store.steps() == list(range(10))


def test_a_flush_without_a_limit_gives_up_on_a_store_that_stays_down(
    store: Any, journal: Journal, loss: int
) -> None:
    def away(_batch: Batch) -> None:
        raise StoreUnavailable("away")

    store.before_apply = away
    log(journal, loss, range(10))
    assert not journal.flush()
    store.before_apply = lambda _batch: None
    assert journal.flush(20)


def test_a_failure_after_the_commit_delivers_nothing_twice(
    store: Any, journal: Journal, loss: int
) -> None:
    apply = store.apply
    lost_answers = [2]

    def apply_and_lose_the_answer(batch: Batch) -> list[Refused]:
        answer: list[Refused] = apply(batch)
        if lost_answers[0] > 0:
            lost_answers[0] -= 1
            raise StoreUnavailable("connection lost during commit")
        return answer

    store.apply = apply_and_lose_the_answer
    log(journal, loss, range(1000))
    assert journal.flush(20)
    log(journal, loss, range(1000, 2000))
    assert journal.flush(20)
    assert store.steps() == list(range(2000))


def test_what_another_process_delivered_is_not_delivered_again(
    store: Any, journal: Journal, loss: int
) -> None:
    log(journal, loss, range(100))
    assert journal.flush(10)
    behind = journal.stream.end()
    log(journal, loss, range(100, 200))
    store.cursors[journal.journal_id] = behind + 50 * 32  # as if 50 more points had arrived
    assert journal.flush(10)
    assert store.steps() == [*range(100), *range(150, 200)]


def test_a_store_that_forgot_everything_gets_what_is_still_there(
    store: Any, journal: Journal, loss: int
) -> None:
    log(journal, loss, range(100))
    assert journal.flush(10)
    store.cursors.clear()
    store.points.clear()
    log(journal, loss, range(100, 200))
    assert journal.flush(10)
    assert store.steps()[-100:] == list(range(100, 200))


def test_a_cursor_that_contradicts_itself_is_an_error_not_a_loop(
    store: Any, journal: Journal, loss: int
) -> None:
    apply, calls = store.apply, [0]

    def contradict(batch: Batch) -> list[Refused]:
        calls[0] += 1
        if calls[0] < 4:
            raise StaleCursor(batch.journal_id, batch.first)
        answer: list[Refused] = apply(batch)
        return answer

    store.apply = contradict
    log(journal, loss, range(10))
    assert journal.flush(20)
    assert store.steps() == list(range(10))


@pytest.mark.parametrize("error", [StoreError("poison"), TypeError("poison"), InvalidValue("p")])
def test_a_record_that_trips_the_store_is_set_aside_and_the_rest_arrives(
    store: Any,
    journal: Journal,
    loss: int,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def choke(batch: Batch) -> None:
        for record in batch.records:
            if isinstance(record, ParamsLogged) and "poison" in record.params:
                raise error
        for points in batch.points:
            if -666.0 in points.values:
                raise error

    store.before_apply = choke
    log(journal, loss, range(1000))
    journal.record(ParamsLogged(RUN, params={"poison": "1"}))
    log(journal, loss, range(1000, 2000))
    journal.append(loss, 7777, 0, -666.0)
    journal.record(TagsSet(RUN, tags={"after": "1"}))
    log(journal, loss, range(2000, 3000))
    assert journal.flush(30)
    assert store.steps() == list(range(3000))
    assert [type(record) for record in store.records] == [TagsSet]
    kept = (store.journal_directory / f"{journal.journal_id}.rejected").read_bytes()
    assert b"poison" in kept
    assert sum("is left out" in text for text in messages(caplog)) == 2


def refuse_more_than(limit: int, error: type[Exception]) -> Callable[[Batch], None]:
    """What makes a store refuse batches of more than so many points, as a server's limit does."""

    def refuse(batch: Batch) -> None:
        if sum(len(points) for points in batch.points) > limit:
            raise error("more than one packet takes")

    return refuse


@pytest.mark.parametrize("error", [StoreError, StoreUnavailable, ConnectionResetError])
def test_a_store_that_takes_only_small_batches_gets_small_batches(
    store: Any, journal: Journal, loss: int, error: type[Exception]
) -> None:
    store.before_apply = refuse_more_than(100, error)
    log(journal, loss, range(1000))
    assert journal.flush(30)
    assert store.steps() == list(range(1000))
    assert list(store.journal_directory.glob("*.rejected")) == []


def test_a_record_that_a_store_never_takes_is_set_aside_though_its_error_is_unknown(
    store: Any, journal: Journal, loss: int, caplog: pytest.LogCaptureFixture
) -> None:
    def choke(batch: Batch) -> None:
        if any(isinstance(record, ParamsLogged) for record in batch.records):
            raise RuntimeError("max_allowed_packet")

    store.before_apply = choke
    log(journal, loss, range(100))
    journal.record(ParamsLogged(RUN, params={"large": "x" * 10_000}))
    log(journal, loss, range(100, 200))
    assert journal.flush(30)
    assert store.steps() == list(range(200))
    (path,) = store.journal_directory.glob("*.rejected")
    assert b"x" * 10_000 in path.read_bytes()
    assert sum(str(path) in text for text in messages(caplog)) == 1


def test_no_record_is_given_up_while_a_store_says_that_it_is_unavailable(
    store: Any, journal: Journal, loss: int
) -> None:
    def away(batch: Batch) -> None:
        if batch.points:
            raise StoreUnavailable("the disk is full")

    store.before_apply = away
    log(journal, loss, range(1))
    assert not journal.flush(1.0)
    store.before_apply = lambda _batch: None
    assert journal.flush(30)
    assert store.steps() == [0]
    assert list(store.journal_directory.glob("*.rejected")) == []


def test_a_store_that_is_broken_for_good_sets_nothing_aside(
    store: Any, journal: Journal, loss: int
) -> None:
    store.before_apply = failing(lambda: StoreError("the database is damaged"), 3)
    log(journal, loss, range(10))
    assert journal.flush(20)
    assert store.steps() == list(range(10))
    assert list(store.journal_directory.glob("*.rejected")) == []


def test_what_a_store_refuses_is_said_once_of_a_kind_and_counted(
    store: Any, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    store.refusals = [
        Refused(RUN, "param 'a'", "it has another value already"),
        Refused(RUN, "param 'b'", "it has another value already"),
    ]
    journal.record(ParamsLogged(RUN, params={"a": "1", "b": "1"}))
    assert journal.flush(10)
    assert journal.refused[RUN] == 2
    (said,) = messages(caplog)
    assert "param 'a'" in said


class Listener:
    """A plugin that is told of points, and may fail or wait at it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.heard = 0
        self.threads: set[str] = set()
        self.flushed: list[bool] = []
        self.error: Exception | None = None

    @hookimpl
    def chiplog_metrics_recorded(self, points: Any) -> None:
        self.heard += sum(len(some) for some in points)
        self.threads.add(threading.current_thread().name)
        self.flushed.append(self.journal.flush(5))
        if self.error:
            raise self.error


@pytest.fixture
def listener(journal: Journal) -> Any:
    plugin = Listener(journal)
    plugins().add(plugin, "listener")
    yield plugin
    plugins().remove("listener")


def test_plugins_hear_of_points_on_the_writers_thread_and_may_flush_there(
    journal: Journal, loss: int, listener: Listener
) -> None:
    log(journal, loss, range(1000))
    assert journal.flush(10)
    assert listener.heard == 1000
    assert listener.threads == {"chiplog-writer"}
    assert len(listener.flushed) >= 1


def test_a_plugin_that_fails_does_not_stop_delivery(
    store: Any, journal: Journal, loss: int, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.error = RuntimeError("plugin")
    for strict in ("0", "1"):
        monkeypatch.setenv("CHIPLOG_STRICT", strict)
        log(journal, loss, range(100))
        assert journal.flush(10)
    assert len(store.steps()) == 200


def test_a_store_that_cannot_be_opened_yet_is_opened_later(
    store: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("CHIPLOG_JOURNAL_DIR", str(tmp_path / "elsewhere"))

    class Closed:
        is_open = False

        @hookimpl(tryfirst=True)
        def chiplog_tracking_store(self, uri: str) -> None:
            if not self.is_open:
                raise StoreUnavailable("nobody answers")

    door = Closed()
    plugins().add(door, "door")
    try:
        journal = open_journal(store.uri)
        log(journal, journal.number(Series(RUN, key="loss")), range(100))
        assert not journal.flush(0.3)
        assert journal.directory == tmp_path / "elsewhere"
        door.is_open = True
        assert journal.flush(20)
    finally:
        plugins().remove("door")
    assert store.steps() == list(range(100))


def test_closing_leaves_what_a_store_that_is_down_does_not_take_and_says_so(
    store: Any, journal: Journal, loss: int, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_batch: Batch) -> None:
        raise StoreUnavailable("away")

    store.before_apply = away
    log(journal, loss, range(100))
    assert not close_all(0.3)
    (left,) = [text for text in messages(caplog) if "chiplog sync" in text]
    assert str(store.journal_directory) in left
    assert list(store.journal_directory.glob("*.seg"))
    store.before_apply = lambda _batch: None
    log(journal, loss, range(100, 200))
    assert journal.flush(20)
    assert close_all(20)
    assert sorted(store.steps()) == list(range(200))
