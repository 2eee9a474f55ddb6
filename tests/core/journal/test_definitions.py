"""What numbers mean: for as long as their run goes on, and anew for who comes later."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from chiplog.core.journal import close_all, definitions, recover
from chiplog.core.journal.definitions import Definitions
from chiplog.core.records import RunUpdated, Series, TagsSet
from chiplog.core.runs.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from chiplog.core.journal import Journal

SEED = 7


def pen(journal: Journal, run: int) -> RunWriter:
    return RunWriter(f"{run:032x}", "0", journal.store_uri, params={}, is_new=True)


def defined(definitions: Definitions, series: Series) -> int:
    number = definitions.make(series).number
    definitions.publish(series, number)
    return number


def test_what_a_segment_begins_with_does_not_grow_with_the_runs_a_process_has_been_through(
    store: Any, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in range(500):
        writer = pen(journal, run)
        for key in range(20):
            writer.log_metric(f"metric number {key}", 0.5, step=run)
        writer.end()
    assert journal.flush(30)
    assert sum(map(len, store.points.values())) == 10_000
    # Those of the last tenth of a second are still there: a thread may be about to use them.
    monkeypatch.setattr(definitions, "_GRACE_SECONDS", 0.0)
    assert journal._definitions.prefix(SEED) == b""
    assert journal._definitions._defined == {}
    assert journal._definitions._runs == {}


def test_a_pen_may_log_after_the_end_of_its_run(store: Any, journal: Journal) -> None:
    writer, other = pen(journal, 1), pen(journal, 1)
    writer.log_metric("loss", 0.5, step=0)
    other.log_metric("loss", 0.5, step=1)
    other.log_metric("loss", 0.5, step=2, model_id="m")
    for round_ in range(3):
        writer.end()
        other.log_metric("loss", 0.5, step=3 + 3 * round_)
        writer.log_metric("loss", 0.5, step=4 + 3 * round_)
        writer.log_metric("loss", 0.5, step=5 + 3 * round_, model_id="m")
    assert journal.flush(10)
    assert sorted(store.steps()) == list(range(12))
    assert writer.has_metrics


def test_points_of_ended_runs_survive_the_change_of_segments_and_of_journals(
    store: Any, journal: Journal
) -> None:
    hold = threading.Event()
    store.before_apply = lambda _batch: hold.wait(10)  # nothing is delivered before all is written
    writer = pen(journal, 1)
    for step in range(10_000):
        writer.log_metric(f"m{step % 10}", 0.5, step=step)
        if step % 1000 == 999:
            writer.end()
        if step == 5000:
            journal.detach()
    hold.set()
    assert journal.flush(30)
    assert close_all(30)
    assert sorted(s for key in range(10) for s in store.steps(f"m{key}")) == list(range(10_000))


def test_delivery_that_starts_in_the_middle_of_a_segment_knows_ended_runs(
    store: Any, journal: Journal
) -> None:
    hold = threading.Event()
    store.before_apply = lambda _batch: hold.wait(10)
    first, second = pen(journal, 1), pen(journal, 2)
    first.log_metric("loss", 0.5, step=0)
    first.log_metric("loss", 0.5, step=1)
    behind = journal.stream.end() - 32
    second.log_metric("loss", 0.5, step=2)
    first.end()
    second.end()
    # Another process has delivered up to before the last point.
    store.cursors[journal.journal_id] = behind
    hold.set()
    assert journal.flush(10)
    assert store.steps() == [1, 2]
    assert journal.lost == 0


def test_a_forked_child_knows_open_runs_and_may_go_on_with_ended_ones(
    store: Any, journal: Journal
) -> None:
    ended, going_on = pen(journal, 1), pen(journal, 2)
    ended.log_metric("ended", 0.5)
    going_on.log_metric("going on", 0.5)
    ended.end()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for step in range(3000):
                ended.log_metric("ended", 0.5, step=step)
                going_on.log_metric("going on", 0.5, step=step)
            fine = journal.flush(20) and journal.lost == 0
            fine = fine and store.steps("ended")[-3000:] == list(range(3000))
            code = 0 if fine and store.steps("going on")[-3000:] == list(range(3000)) else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_what_was_logged_after_the_end_of_a_run_survives_a_kill(
    store: Any, orphan: Callable[..., Path]
) -> None:
    orphan(
        """
        from chiplog.core.runs.writer import RunWriter
        from chiplog.core.records import RunUpdated
        pens = [RunWriter(f"{run:032x}", "0", "memory://dead", params={}) for run in range(300)]
        for step in range(100):
            for pen in pens:
                pen.log_metric("after the end", 0.5, step=step)
                if step % 10 == 0:
                    pen.end()
        die()
        """
    )
    store.uri = "memory://dead"
    report = recover(store)
    assert report.problems == []
    assert report.points == 30_000
    assert all([step for step, _, _ in rows] == list(range(100)) for rows in store.points.values())


def test_a_thread_that_logs_while_its_run_is_ended_loses_nothing(
    store: Any, journal: Journal
) -> None:
    stop = threading.Event()
    writer = pen(journal, 1)
    count = [0]

    def log() -> None:
        while not stop.is_set():
            writer.log_metric("loss", 0.5, step=count[0])
            count[0] += 1

    thread = threading.Thread(target=log)
    thread.start()
    for _ in range(300):
        writer.end()
        journal.record(TagsSet("a" * 32, tags={"k": "v" * 1000}))
    stop.set()
    thread.join()
    assert journal.flush(30)
    assert journal.lost == 0
    assert store.steps() == list(range(count[0]))


def test_of_many_runs_without_an_end_the_oldest_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(definitions, "_RUNS_KEPT", 2)
    some = Definitions()
    for run in "abcd":
        defined(some, Series(run, key="loss"))
    before = some.prefix(SEED)
    assert all(run.encode() in before for run in "abcd")  # each was in hand a moment ago
    assert some.find(Series("b", key="loss")) is None
    assert some.by_key("b") == {}
    assert some.find(Series("c", key="loss")) == 3


def test_a_runs_numbers_by_key_are_those_of_its_plain_series_and_empty_when_it_ended() -> None:
    some = Definitions()
    assert some.by_key("a") == {}
    plain = defined(some, Series("a", key="loss"))
    defined(some, Series("a", key="loss", model_id="m"))
    defined(some, Series("a", key="other", dataset_name="d", dataset_digest="1"))
    numbers = some.by_key("a")
    assert numbers == {"loss": plain}
    some.retire("a")
    assert numbers == {}
    again = defined(some, Series("a", key="loss"))
    assert again > plain
    assert numbers == {}
    assert some.by_key("a") == {"loss": again}


def test_a_run_that_is_resumed_is_defined_anew(store: Any, journal: Journal) -> None:
    writer = pen(journal, 1)
    for session in range(3):
        writer.record(RunUpdated(writer.run_id, status="RUNNING", owned=True))
        writer.log_metric("loss", 0.5, step=session)
        writer.end()
    assert journal.flush(10)
    assert store.steps() == [0, 1, 2]
