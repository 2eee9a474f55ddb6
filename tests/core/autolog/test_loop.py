"""Sessions that no call spans: what begins them, and everything that ends them."""

from __future__ import annotations

import gc
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core import background
from chiplog.core.autolog import nesting
from chiplog.core.autolog.loop import LoopSession, end_loops, open_loop

if TYPE_CHECKING:
    from chiplog.testing.project import Project


class Thing:
    """Something that is trained."""


def begin(endings: list[BaseException | None] | None = None) -> LoopSession:
    told: list[BaseException | None] = [] if endings is None else endings
    loop = open_loop("tiny", "loop", ending=told.append)
    assert loop is not None
    loop.session.log_metric("loss", 1.0, 0)
    return loop


def test_it_is_a_run_that_is_active_until_it_ends(project: Project, tiny: Any) -> None:
    endings: list[BaseException | None] = []
    loop = begin(endings)
    active = chiplog.active_run()
    assert active is not None
    assert active.info.run_id == loop.session.run_id
    chiplog.log_metric("mine", 2.0)
    loop.end()
    loop.end()
    assert endings == [None]
    assert chiplog.active_run() is None
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"loss": 1.0, "mine": 2.0}
    receipt = project.receipt(run.info.run_id)
    assert [(call.point, call.outcome) for call in receipt.calls] == [("loop", "FINISHED")]


def test_an_error_is_the_runs(project: Project, tiny: Any) -> None:
    loop = begin()
    loop.end(ValueError("why"))
    (run,) = project.runs()
    assert run.info.status == "FAILED"
    assert b"why" in (project.document(run.info.run_id, "failure") or b"")
    assert [c.outcome for c in project.receipt(run.info.run_id).calls] == ["FAILED: ValueError"]


def test_it_ends_with_the_run_of_the_users_that_it_records_into(
    project: Project, tiny: Any
) -> None:
    endings: list[BaseException | None] = []
    with chiplog.start_run() as mine:
        loop = begin(endings)
        assert loop.session.run_id == mine.info.run_id
        assert endings == []
    assert endings == [None]
    assert not loop.is_open


def test_a_child_of_the_users_run_ends_with_it(project: Project, tiny: Any) -> None:
    with chiplog.start_run() as mine:
        first, second = begin(), begin()
    assert not first.is_open
    assert not second.is_open
    (child,) = project.children(mine.info.run_id)
    assert child.info.status == "FINISHED"


def test_it_makes_way_for_a_run_of_the_users(project: Project, tiny: Any) -> None:
    loop = begin()
    with chiplog.start_run():
        assert not loop.is_open
    assert [run.info.status for run in project.top_runs()] == ["FINISHED", "FINISHED"]


def test_a_nested_run_of_the_users_is_its_child(project: Project, tiny: Any) -> None:
    loop = begin()
    with chiplog.start_run(nested=True):
        assert loop.is_open
    loop.end()
    assert len(project.children(loop.session.run_id)) == 1


def test_end_run_ends_it(project: Project, tiny: Any) -> None:
    loop = begin()
    chiplog.end_run()
    assert not loop.is_open
    (run,) = project.runs()
    assert run.info.status == "FINISHED"


def test_it_ends_when_all_it_lives_with_is_gone(project: Project, tiny: Any) -> None:
    loop = begin()
    model, optimizer = Thing(), Thing()
    loop.lives_with(model, optimizer)
    del model
    gc.collect()
    assert loop.is_open
    del optimizer
    gc.collect()
    assert chiplog.active_run() is None, "at once"
    background.flush(60)
    (run,) = project.runs()
    assert run.info.status == "FINISHED"


def test_it_goes_on_when_it_is_opened_again(project: Project, tiny: Any) -> None:
    endings: list[BaseException | None] = []
    loop = begin(endings)
    loop.end()
    loop.reopen()
    (run,) = project.runs()
    assert run.info.status == "RUNNING"
    loop.session.log_metric("loss", 0.5, 1)
    end_loops()
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics["loss"] == 0.5
    assert endings == [None, None]


def test_another_loop_of_the_same_thread_ends_it(project: Project, tiny: Any) -> None:
    first = begin()
    second = begin()
    assert not first.is_open
    second.end()
    assert len(project.top_runs()) == 2


def test_a_worker_that_is_terminated_after_its_training_has_finished_it(
    project: Project, tiny: Any
) -> None:
    child = os.fork()
    if child == 0:
        thing = Thing()
        loop = open_loop("tiny", "loop", ending=lambda error: time.sleep(0.3))
        assert loop is not None
        loop.lives_with(thing)
        del thing
        os.kill(os.getpid(), signal.SIGTERM)  # as a pool of processes does to its workers
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGTERM
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert [call.outcome for call in project.receipt(run.info.run_id).calls] == ["FINISHED"]


def test_other_trainings_meanwhile_are_its_children(project: Project, tiny: Any) -> None:
    chiplog.autolog()
    loop = begin()
    assert nesting.is_watching(), "it does not make its thread one that is inside a training"
    tiny.Trainer().fit([1.0, 2.0])
    (child,) = project.children(loop.session.run_id)
    loop.last_step = child.info.start_time + 1  # and the loop went on
    loop.end()
    assert len(project.children(loop.session.run_id)) == 1


def test_a_training_after_its_last_step_stands_by_itself(project: Project, tiny: Any) -> None:
    chiplog.autolog()
    loop = begin()
    tiny.Trainer().fit([1.0, 2.0])
    (child,) = project.children(loop.session.run_id)
    loop.last_step = child.info.start_time - 1
    loop.end()
    assert project.children(loop.session.run_id) == []
    assert len(project.top_runs()) == 2


def test_inside_another_training_or_suspended_there_is_none(project: Project, tiny: Any) -> None:
    with nesting.suspended():
        assert open_loop("tiny", "loop", ending=lambda error: None) is None
    assert project.runs() == []


@pytest.mark.usefixtures("lenient")
def test_a_mistake_at_the_end_is_told_and_the_run_ends(project: Project, tiny: Any) -> None:
    def broken(error: BaseException | None) -> None:
        raise RuntimeError("on purpose")

    loop = open_loop("tiny", "loop", ending=broken)
    assert loop is not None
    loop.end()
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert "on purpose" in str(project.receipt(run.info.run_id).degraded)
