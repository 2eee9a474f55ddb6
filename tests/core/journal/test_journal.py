"""Recording: what a journal takes, in which order, from which threads and processes."""

from __future__ import annotations

import asyncio
import itertools
import math
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.journal import close_all, closing, flush_all, open_journal
from chiplog.core.journal.files import find_journals
from chiplog.core.journal.filesystem import filesystem_type, journal_mode
from chiplog.core.records import DocumentAttached, ParamsLogged, RunStarted, Series, TagsSet

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.journal import Journal

RUN = "a" * 32

MODES = pytest.mark.parametrize("mode", ["mapped", "appended", "memory"])


@MODES
def test_points_and_records_arrive_in_order(
    store: Any, journal: Journal, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_JOURNAL_MODE", mode)
    loss = journal.number(Series(RUN, key="loss"))
    for step in range(10_000):
        journal.append(loss, step, 1000 + step, step / 2)
        if step % 1000 == 0:
            journal.record(ParamsLogged(RUN, params={f"p{step}": "x"}))
    assert journal.flush(10)
    assert store.steps() == list(range(10_000))
    assert [list(record.params) for record in store.records] == [
        [f"p{step}"] for step in range(0, 10_000, 1000)
    ]
    assert journal.lost == 0


@MODES
def test_every_double_and_every_64_bit_number_comes_back_bit_for_bit(
    store: Any, journal: Journal, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_JOURNAL_MODE", mode)
    loss = journal.number(Series(RUN, key="loss"))
    values = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308, 0.1]
    for value in values:
        journal.append(loss, -(2**63), 2**63 - 1, value)
    assert journal.flush(10)
    ((_, rows),) = store.points.items()
    assert [struct.pack("d", value) for _, _, value in rows] == [
        struct.pack("d", value) for value in values
    ]
    assert {(step, time) for step, time, _ in rows} == {(-(2**63), 2**63 - 1)}


def test_nothing_is_opened_before_something_is_recorded(store: Any, journal: Journal) -> None:
    assert not store.journal_directory.exists()
    assert journal.flush(0)
    journal.record(TagsSet(RUN, tags={"a": "b"}))
    (found,) = find_journals(store.journal_directory)
    assert found.journal_id == journal.journal_id
    assert found.owner_path.exists()


def test_a_series_has_one_number_however_often_it_is_asked_for(journal: Journal) -> None:
    first = journal.number(Series(RUN, key="loss"))
    assert journal.number(Series(RUN, key="loss")) == first
    others = {
        journal.number(Series(RUN, key="accuracy")),
        journal.number(Series("b" * 32, key="loss")),
        journal.number(Series(RUN, key="loss", model_id="m")),
        journal.number(Series(RUN, key="loss", dataset_name="d", dataset_digest="e")),
    }
    assert len(others | {first}) == 5


def test_sixteen_threads_lose_nothing_and_keep_each_ones_order(
    store: Any, journal: Journal
) -> None:
    def log(thread: int) -> None:
        number = journal.number(Series(RUN, key=f"m{thread}"))
        for step in range(5000):
            journal.append(number, step, step, 0.5)
            if step % 500 == 0:
                journal.record(TagsSet(RUN, tags={f"{thread}": f"{step}"}))

    threads = [threading.Thread(target=log, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.flush(30)
    for i in range(16):
        assert store.steps(f"m{i}") == list(range(5000))
        tags = [r.tags[f"{i}"] for r in store.records if f"{i}" in r.tags]
        assert tags == [str(step) for step in range(0, 5000, 500)]


def test_asyncio_tasks_may_log(store: Any, journal: Journal, loss: int) -> None:
    async def log(first: int) -> None:
        for step in range(first, first + 100):
            journal.append(loss, step, 0, 0.0)
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(log(0), log(100))

    asyncio.run(both())
    assert journal.flush(10)
    assert sorted(store.steps()) == list(range(200))


def test_a_record_larger_than_any_segment_is_taken(store: Any, journal: Journal) -> None:
    body = os.urandom(1 << 20) * 40
    journal.record(DocumentAttached(RUN, name="big", body=body))
    journal.record(TagsSet(RUN, tags={"after": "it"}))
    assert journal.flush(30)
    document, tags = store.records
    assert document.body == body
    assert tags.tags == {"after": "it"}


def test_a_thousand_series_survive_the_change_of_segments(store: Any, journal: Journal) -> None:
    numbers = [journal.number(Series(RUN, key=f"metric number {i}")) for i in range(1000)]
    for step in range(100):
        for number in numbers:
            journal.append(number, step, 0, 1.0)
    assert journal.flush(30)
    assert all(store.steps(f"metric number {i}") == list(range(100)) for i in range(1000))


def test_a_run_that_starts_is_delivered_without_being_asked(store: Any, journal: Journal) -> None:
    journal.record(RunStarted(RUN, "0", "me", 1, "name"))
    assert store.applied.wait(10)
    assert isinstance(store.records[0], RunStarted)


def test_points_are_delivered_without_being_asked_also_after_a_rest(
    store: Any, journal: Journal, loss: int
) -> None:
    journal.append(loss, 0, 0, 0.0)
    assert store.applied.wait(10)
    journal.arm(journal.stream)  # as the writer does before it sleeps for long
    store.applied.clear()
    journal.append(loss, 1, 0, 0.0)
    assert store.applied.wait(5)
    assert store.steps() == [0, 1]


def test_closing_delivers_syncs_and_removes_every_file(
    store: Any, journal: Journal, loss: int
) -> None:
    for step in range(50_000):
        journal.append(loss, step, 0, 0.0)
    assert close_all(30)
    assert store.steps() == list(range(50_000))
    assert store.synced
    assert list(store.journal_directory.iterdir()) == []


def test_a_closed_journal_goes_on_as_another_with_the_same_numbers(
    store: Any, journal: Journal, loss: int
) -> None:
    journal.append(loss, 0, 0, 0.0)
    before = journal.journal_id
    append = journal.append
    assert close_all(10)
    append(loss, 1, 0, 0.0)
    assert journal.journal_id != before
    assert journal.flush(10)
    assert store.steps() == [0, 1]


def test_delivered_segments_are_removed_while_the_journal_lives(
    store: Any, journal: Journal, loss: int
) -> None:
    for step in range(20_000):
        journal.append(loss, step, 0, 0.0)
    assert journal.flush(10)
    before = len(list(store.journal_directory.glob("*.seg")))
    journal.append(loss, 20_000, 0, 0.0)
    from chiplog.core.journal.writer import writer

    writer()._synced_at -= 10
    assert journal.flush(10)
    assert before > 1
    _eventually(lambda: len(list(store.journal_directory.glob("*.seg"))) == 1)


def test_a_signal_handler_may_log_at_any_moment(store: Any, journal: Journal, loss: int) -> None:
    other = journal.number(Series(RUN, key="other"))
    numbers = itertools.count()  # a handler may be interrupted by the next signal

    def handler(signum: int, frame: object) -> None:
        number = next(numbers)
        journal.append(other, number, 0, 0.0)
        journal.record(TagsSet(RUN, tags={"n": str(number)}))

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        for step in range(200_000):
            journal.append(loss, step, 0, 0.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    fired = next(numbers)
    assert fired > 10
    assert journal.flush(30)
    assert store.steps() == list(range(200_000))
    assert sorted(store.steps("other")) == list(range(fired))
    assert sorted(int(r.tags["n"]) for r in store.records) == list(range(fired))


# Forks and children


def test_a_forked_child_writes_a_journal_of_its_own_with_its_parents_numbers(
    store: Any, journal: Journal, loss: int
) -> None:
    for step in range(3000):
        journal.append(loss, step, 0, 0.0)
    parent = journal.journal_id
    reader, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for step in range(3000, 6000):
                journal.append(loss, step, 0, 0.0)
            own = journal.flush(10) and store.steps()[-3000:] == list(range(3000, 6000))
            os.write(writing, journal.journal_id.encode())
            code = 0 if own and journal.lost == 0 else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(reader, 32).decode() != parent
    os.close(reader)
    os.close(writing)
    for step in range(6000, 9000):
        journal.append(loss, step, 0, 0.0)
    assert journal.journal_id == parent
    assert journal.flush(10)
    assert store.steps() == [*range(3000), *range(6000, 9000)]


def test_forking_amid_sixteen_logging_threads_harms_neither_side(
    store: Any, journal: Journal
) -> None:
    stop = threading.Event()
    counts = [0] * 16

    def log(thread: int) -> None:
        number = journal.number(Series(RUN, key=f"m{thread}"))
        while not stop.is_set():
            for _ in range(50):
                journal.append(number, counts[thread], 0, 0.0)
                counts[thread] += 1
            time.sleep(0.001)

    threads = [threading.Thread(target=log, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    codes = []
    for i in range(10):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                number = journal.number(Series(RUN, key=f"child{i}"))
                for step in range(3000):
                    journal.append(number, step, 0, 0.0)
                code = 0 if journal.flush(20) and len(store.steps(f"child{i}")) == 3000 else 1
            finally:
                os._exit(code)
        codes.append(os.waitpid(child, 0)[1])
    stop.set()
    for thread in threads:
        thread.join()
    assert codes == [0] * 10
    assert journal.flush(30)
    assert [store.steps(f"m{i}") for i in range(16)] == [list(range(n)) for n in counts]


_SPAWNED = """
import chiplog, multiprocessing, sys

def work(run_id, worker):
    import chiplog
    client = chiplog.MlflowClient()
    for step in range(1000):
        client.log_metric(run_id, f"m{worker}", step / 2, step=step)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with chiplog.start_run() as run:
        workers = [context.Process(target=work, args=(run.info.run_id, i)) for i in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
    for i in range(2):
        history = chiplog.MlflowClient().get_metric_history(run.info.run_id, f"m{i}")
        assert [point.step for point in history] == list(range(1000)), len(history)
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_children_of_multiprocessing_deliver_before_they_leave(project: Path, method: str) -> None:
    (project / "main.py").write_text(_SPAWNED)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "main.py", method],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((project / ".chiplog" / "journals").iterdir()) == []


def test_no_warning_and_no_file_is_left_behind_in_development_mode(project: Path) -> None:
    program = """
import chiplog
with chiplog.start_run():
    for step in range(5000):
        chiplog.log_metric("loss", 1.0, step=step)
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list((project / ".chiplog" / "journals").iterdir()) == []


# Modes


def test_a_mode_that_does_not_exist_is_said_when_the_journal_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPLOG_JOURNAL_MODE", "fast")
    with pytest.raises(InvalidValue, match="'fast' is none of mapped, appended, memory"):
        open_journal("memory://whatever")


def test_only_file_systems_known_to_be_safe_are_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, mode in [("ext4", "mapped"), ("nfs4", "appended"), ("fuse.sshfs", "appended")]:
        monkeypatch.setattr(
            "chiplog.core.journal.filesystem.filesystem_type", lambda path, kind=kind: kind
        )
        assert journal_mode(tmp_path) == mode


def test_the_file_system_of_a_path_is_the_innermost_mount() -> None:
    assert filesystem_type("/proc/self") == "proc"
    assert filesystem_type("/") != "unknown"


def test_flush_all_reaches_every_journal(store: Any, journal: Journal, loss: int) -> None:
    journal.append(loss, 0, 0, 0.0)
    assert flush_all(10)
    assert store.steps() == [0]


def _eventually(condition: Any, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_delivery_goes_on_after_two_threads_forked_at_once(store: Any, journal: Journal) -> None:
    loss = journal.number(Series(RUN, key="loss"))
    journal.append(loss, 0, 0, 0.0)
    assert journal.flush(10)
    for _ in range(2):  # what the interpreter calls in each thread, interleaved
        closing._before_fork()
    for _ in range(2):
        closing._after_fork_in_parent()
    store.applied.clear()
    journal.append(loss, 1, 1, 1.0)
    assert store.applied.wait(10)
