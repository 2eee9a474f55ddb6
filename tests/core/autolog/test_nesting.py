"""Only what is outside every other training is watched."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from chiplog.core.autolog import nesting
from chiplog.core.autolog.nesting import Scope
from chiplog.hooks.patcher import Patcher

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def followed() -> Iterator[None]:
    """Threads are followed, as while an integration is on."""
    patcher = Patcher("threads")
    nesting.follow_threads(patcher)
    yield
    patcher.undo()


def _in_a_thread(results: list[bool]) -> threading.Thread:
    return threading.Thread(target=lambda: results.append(nesting.is_watching()))


def test_a_thread_outside_a_session_watches() -> None:
    assert nesting.is_watching()
    assert nesting.current_scope() is None


def test_inside_a_session_nothing_is_watched_until_it_is_left() -> None:
    scope = Scope()
    before = nesting.enter(scope)
    assert not nesting.is_watching()
    assert nesting.current_scope() is scope
    nesting.leave(scope, before)
    assert nesting.is_watching()


def test_leaving_twice_is_leaving_once() -> None:
    outer, inner = Scope(), Scope()
    before_outer = nesting.enter(outer)
    before_inner = nesting.enter(inner)
    nesting.leave(inner, before_inner)
    nesting.leave(inner, before_inner)
    assert nesting.current_scope() is outer
    nesting.leave(outer, before_outer)
    assert nesting.VARIABLE not in os.environ


def test_a_session_left_by_another_thread_is_over_for_the_one_that_entered() -> None:
    scope = Scope()
    before = nesting.enter(scope)
    thread = threading.Thread(target=nesting.leave, args=(scope, before))
    thread.start()
    thread.join()
    assert nesting.is_watching()


@pytest.mark.usefixtures("followed")
def test_threads_started_inside_a_session_are_inside_it_at_any_remove() -> None:
    results: list[bool] = []

    def start_another() -> None:
        results.append(nesting.is_watching())
        grandchild = _in_a_thread(results)
        grandchild.start()
        grandchild.join()

    scope = Scope()
    before = nesting.enter(scope)
    child = threading.Thread(target=start_another)
    child.start()
    child.join()
    with ThreadPoolExecutor(2) as pool:
        results.extend(pool.map(lambda _: nesting.is_watching(), range(4)))
    nesting.leave(scope, before)
    assert results == [False] * 6


@pytest.mark.usefixtures("followed")
def test_a_thread_of_the_users_is_on_its_own_whatever_others_do() -> None:
    results: list[bool] = []
    go, inside = threading.Event(), threading.Event()

    def users_thread() -> None:
        inside.wait(10)
        results.append(nesting.is_watching())
        started_here = _in_a_thread(results)
        started_here.start()
        started_here.join()
        go.set()

    thread = threading.Thread(target=users_thread)
    thread.start()
    scope = Scope()
    before = nesting.enter(scope)
    inside.set()
    go.wait(10)
    nesting.leave(scope, before)
    thread.join()
    assert results == [True, True]


@pytest.mark.usefixtures("followed")
def test_a_thread_that_outlives_its_session_watches_again() -> None:
    results: list[bool] = []
    over = threading.Event()

    def outliving() -> None:
        results.append(nesting.is_watching())
        over.wait(10)
        results.append(nesting.is_watching())

    scope = Scope()
    before = nesting.enter(scope)
    thread = threading.Thread(target=outliving)
    thread.start()
    while not results:
        pass
    nesting.leave(scope, before)
    over.set()
    thread.join()
    assert results == [False, True]


def test_suspending_is_for_this_thread_and_can_be_nested() -> None:
    results: list[bool] = []
    with nesting.suspended():
        with nesting.suspended():
            assert not nesting.is_watching()
        assert nesting.is_suspended()
        other = _in_a_thread(results)
        other.start()
        other.join()
    assert nesting.is_watching()
    assert results == [True]


def test_awake_watches_even_inside_a_session() -> None:
    scope = Scope()
    before = nesting.enter(scope)
    with nesting.awake():
        assert nesting.is_watching()
    assert not nesting.is_watching()
    nesting.leave(scope, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_forked_inside_a_session_is_inside_it() -> None:
    scope = Scope()
    before = nesting.enter(scope)
    child = os.fork()
    if child == 0:
        os._exit(17 if not nesting.is_watching() else 1)
    nesting.leave(scope, before)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 17


def test_a_process_started_inside_a_session_watches_nothing_but_when_awake() -> None:
    script = (
        "from chiplog.core.autolog import nesting\n"
        "assert not nesting.is_watching()\n"
        "with nesting.awake(): assert nesting.is_watching()\n"
    )
    grandchild = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {script!r}], check=True)"
    )
    scope = Scope()
    before = nesting.enter(scope)
    try:
        for code in (script, grandchild):
            subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    finally:
        nesting.leave(scope, before)


def test_calls_inside_are_counted() -> None:
    scope = Scope()
    for _ in range(3):
        scope.note("a.fit")
    scope.note("b.fit")
    assert scope.fired == {"a.fit": 3, "b.fit": 1}
