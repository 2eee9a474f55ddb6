"""Work that can wait is done in order, off the user's thread, and waited for at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import NoReturn

import pytest

from chiplog.core import background
from chiplog.core.autolog import nesting
from chiplog.core.background import Background


def _raise(error: Exception) -> NoReturn:
    raise error


def test_work_is_done_in_order_on_one_other_thread() -> None:
    done: list[tuple[int, int]] = []
    for number in range(20):
        background.defer(lambda n=number: done.append((n, threading.get_ident())), failed=_raise)
    assert background.flush(20)
    assert [number for number, _ in done] == list(range(20))
    (thread,) = {thread for _, thread in done}
    assert thread != threading.get_ident()


def test_a_failure_goes_to_its_own_handler_and_the_rest_is_done() -> None:
    failed: list[Exception] = []
    done: list[int] = []
    error = ValueError("ours")
    background.defer(_raise, error, failed=failed.append)
    background.defer(_raise, error, failed=_raise)
    background.defer(done.append, 1, failed=_raise)
    assert background.flush(20)
    assert failed == [error]
    assert done == [1]


def test_flushing_gives_up_after_its_time() -> None:
    background = Background()
    go = threading.Event()
    background.put(go.wait, (20,), _raise)
    assert not background.flush(0.01)
    assert background.unfinished == 1
    go.set()
    assert background.flush(20)


def test_work_that_flushes_does_not_wait_for_itself() -> None:
    flushed: list[bool] = []
    background.defer(lambda: flushed.append(background.flush(20)), failed=_raise)
    assert background.flush(20)
    assert flushed == [True]


def test_nothing_done_there_is_watched() -> None:
    watching: list[bool] = []
    background.defer(lambda: watching.append(nesting.is_watching()), failed=_raise)
    assert background.flush(20)
    assert watching == [False]


def test_the_end_of_the_process_waits_for_it() -> None:
    script = (
        "import sys, time\n"
        "from chiplog.core import background\n"
        "def work():\n"
        "    time.sleep(0.3)\n"
        "    print('done', flush=True)\n"
        "background.defer(work, failed=print)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "done\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_a_thread_of_its_own() -> None:
    background.defer(lambda: None, failed=_raise)
    child = os.fork()
    if child == 0:
        done: list[int] = []
        background.defer(done.append, 1, failed=_raise)
        os._exit(17 if background.flush(20) and done == [1] else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 17
    assert background.flush(20)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_waits_for_the_piece_of_work_in_hand() -> None:
    lock = threading.Lock()
    begun = threading.Event()

    def work() -> None:
        with lock:
            begun.set()
            threading.Event().wait(0.2)

    background.defer(work, failed=_raise)
    begun.wait(20)
    child = os.fork()
    if child == 0:
        os._exit(17 if lock.acquire(timeout=1) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 17


def test_where_no_thread_can_be_started_the_work_fails_and_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    background = Background()
    failed: list[Exception] = []
    error = RuntimeError("can't start new thread")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: _raise(error))
        background.put(print, (), failed.append)
    assert failed == [error]
    assert background.unfinished == 0
    assert background.flush(0)
    done: list[int] = []
    background.put(done.append, (1,), _raise)
    assert background.flush(20)
    assert done == [1]


def test_work_may_be_put_while_work_is_being_put() -> None:
    background = Background()
    done: list[int] = []
    with background._lock:  # as a signal handler finds it
        background.put(done.append, (1,), _raise)
    assert background.flush(20)
    assert done == [1]
