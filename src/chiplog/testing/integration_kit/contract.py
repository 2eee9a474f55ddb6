"""Tests that training is not touched: whatever chiplog does, and whatever goes wrong in it."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog.session import TrainingSession
from chiplog.core.autolog.session_run import SessionRun
from chiplog.core.location import set_tracking_uri
from chiplog.core.runs.active import current_run
from chiplog.core.runs.writer import RunWriter
from chiplog.testing.integration_kit.form import IntegrationForm

if TYPE_CHECKING:
    from chiplog.testing.integration_kit.form import Below
    from chiplog.testing.project import Project

SESSION_METHODS = [
    name
    for name, value in vars(TrainingSession).items()
    if callable(value) and not name.startswith("_")
]

PLACES = [
    *((TrainingSession, name) for name in (*SESSION_METHODS, "__init__")),
    *((SessionRun, name) for name in ("__init__", "attach_receipt", "end", "remember")),
    *((RunWriter, name) for name in ("__init__", "log_checked_params", "set_tags", "attach")),
]


class OursError(Exception):
    """What the tests make chiplog's own code raise."""


def _broken(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001
    raise OursError("on purpose")


class ContractTests(IntegrationForm):
    """The user's call happens once, and gives or raises what it gives or raises without chiplog."""

    def test_results_and_random_numbers_are_the_same_to_the_bit(self, project: Project) -> None:
        plain = self.outcome(self.train())
        after = self.random_state()
        self.switch_on()
        recorded = self.outcome(self.train())
        assert self.random_state() == after
        assert recorded == plain
        assert project.runs()

    def test_the_users_exception_comes_through_and_the_run_says_failed(
        self, project: Project, below: Below
    ) -> None:
        self.switch_on()
        theirs = below.error = ValueError("the user's own")
        with pytest.raises(ValueError, match="the user's own") as caught:
            self.train()
        assert caught.value is theirs
        assert theirs.__cause__ is None
        assert theirs.__context__ is None
        assert sum(below.calls.values()) == 1
        (run,) = project.top_runs()
        assert run.info.status == "FAILED"
        failure = project.document(run.info.run_id, "failure")
        assert failure is not None
        assert b"the user's own" in failure
        self.train()
        assert [run.info.status for run in project.top_runs()] == ["FAILED", "FINISHED"]

    def test_an_interrupt_comes_through_and_the_run_says_failed(
        self, project: Project, below: Below
    ) -> None:
        self.switch_on()
        below.error = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            self.train()
        (run,) = project.top_runs()
        assert run.info.status == "FAILED"
        self.train()
        assert len(project.top_runs()) == 2

    @pytest.mark.usefixtures("lenient")
    @pytest.mark.parametrize("uri", ["sqlite:////dev/null/no/runs.db", "nosuchscheme://x"])
    def test_a_broken_store_harms_nobody(self, below: Below, uri: str) -> None:
        plain = self.outcome(self.train())
        calls = dict(below.calls)
        set_tracking_uri(uri)
        self.switch_on()
        below.calls.clear()
        assert self.outcome(self.train()) == plain
        assert below.calls == calls

    @pytest.mark.usefixtures("lenient")
    @pytest.mark.parametrize(("owner", "name"), PLACES, ids=lambda v: getattr(v, "__name__", v))
    def test_our_own_mistake_harms_nobody(
        self,
        project: Project,
        below: Below,
        monkeypatch: pytest.MonkeyPatch,
        owner: type,
        name: str,
    ) -> None:
        plain = self.outcome(self.train())
        after = self.random_state()
        calls = dict(below.calls)
        self.switch_on()
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, _broken)
            below.calls.clear()
            assert self.outcome(self.train()) == plain
            assert self.random_state() == after
            assert below.calls == calls
        assert current_run() is None
        if owner is TrainingSession and name != "__init__":
            return
        known = {run.info.run_id for run in project.runs()}
        self.train()
        (run,) = [run for run in project.top_runs() if run.info.run_id not in known]
        assert run.info.status == "FINISHED", "the next training is recorded as ever"

    @pytest.mark.parametrize("name", ["__init__", "log_params", "capture", "remember"])
    def test_in_strict_mode_our_mistake_is_raised_once_training_is_over(
        self, below: Below, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        self.switch_on()
        monkeypatch.setattr(TrainingSession, name, _broken)
        with pytest.raises(OursError):
            self.train()
        assert sum(below.calls.values()) == 1

    @pytest.mark.usefixtures("lenient")
    def test_our_mistake_does_not_hide_the_users_exception(
        self, below: Below, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.switch_on()
        monkeypatch.setattr(TrainingSession, "log_params", _broken)
        monkeypatch.setattr(SessionRun, "end", _broken)
        theirs = below.error = ValueError("the user's own")
        with pytest.raises(ValueError, match="the user's own") as caught:
            self.train()
        assert caught.value is theirs
        assert theirs.__context__ is None

    def test_nothing_keeps_the_trained_object_or_its_data_alive(self, project: Project) -> None:
        assert self._lives_on() == [], (
            "the framework itself keeps it alive; fill in another training"
        )
        self.switch_on()
        assert self._lives_on() == []
        assert project.runs()

    def _lives_on(self) -> list[object]:
        """Train, let go, and hand back what is still there."""
        data = self.make_data()
        self.seed()
        trained = self.train_on(data)
        watched = []
        for thing in (trained, *(data if isinstance(data, tuple) else (data,))):
            try:
                watched.append(weakref.ref(thing))
            except TypeError:
                continue
        assert watched, "nothing of it can be weakly referenced; fill in data that can"
        thing = data = trained = None
        gc.collect()
        return [reference() for reference in watched if reference() is not None]

    def test_an_iterator_is_consumed_as_far_as_without_chiplog(self) -> None:
        def consumed() -> int:
            taken = []

            def batches() -> Any:
                for batch in self.make_batches():
                    taken.append(1)
                    yield batch

            self.seed()
            self.train_from(batches())
            return len(taken)

        plain = consumed()
        self.switch_on()
        assert consumed() == plain
