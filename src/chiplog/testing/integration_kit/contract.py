"""Tests that training is not touched: whatever chiplog does, and whatever goes wrong in it."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog.session import TrainingSession
from chiplog.core.autolog.session_run import SessionRun
from chiplog.core.journal.writer import writer
from chiplog.core.location import set_tracking_uri
from chiplog.core.runs.active import current_run
from chiplog.core.runs.reset import reset_process
from chiplog.core.runs.writer import RunWriter
from chiplog.testing.integration_kit.form import IntegrationForm
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from collections.abc import Iterable

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

    def test_results_and_random_numbers_are_the_same_to_the_bit(
        self, project: Project, below: Below
    ) -> None:
        plain = self.plain(below)
        self.switch_on()
        recorded = self.outcome(self.train())
        check(
            recorded == plain.outcome,
            says="what is trained is the same to the bit, with and without autolog()",
            seen="outcome() of the trained object differs",
            do="look for what before() or a callback changes: an argument, a parameter, a random "
            "generator, the data; if the framework itself differs from one training to the next, "
            "override outcome() to hand back what does not",
        )
        check(
            self.random_state() == plain.random_state,
            says="the user's random numbers go on as if chiplog were not there",
            seen="a global generator is in another state after training",
            do="draw from a generator of your own, never from a global one",
        )
        check(
            below.calls == plain.calls,
            says="the user's function is called exactly once",
            seen=f"{below.calls} calls with autolog(), {plain.calls} without",
            do="never call call.function or the object's training methods from a Watch",
        )
        assert project.runs()

    def test_the_users_own_objects_reach_the_framework(self, below: Below) -> None:
        data = self.make_data()
        parts = {id(part) for part in (data, *(data if isinstance(data, tuple) else ()))}
        self.seed()
        self.train_on(data)
        before = _those_among(parts, below.arguments)
        self.switch_on()
        self.seed()
        self.train_on(data)
        after = _those_among(parts, below.arguments)
        check(
            before.items() <= after.items(),
            says="the user's function gets the user's arguments, the very same objects",
            seen=f"of the data, arguments {sorted(map(str, before))} were the user's without "
            f"autolog(), and {sorted(map(str, after))} with it",
            do="in before(), replace call.args and call.kwargs only to add a callback; never wrap "
            "or copy data",
        )

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
        run = self.only_run(project)
        assert run.info.status == "FAILED"
        outcomes = [call.outcome for call in project.receipt(run.info.run_id).calls]
        assert outcomes == ["FAILED: ValueError"]
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
        run = self.only_run(project)
        assert run.info.status == "FAILED"
        outcomes = [call.outcome for call in project.receipt(run.info.run_id).calls]
        assert outcomes == ["FAILED: KeyboardInterrupt"]
        self.train()
        assert len(project.top_runs()) == 2

    @pytest.mark.usefixtures("lenient")
    @pytest.mark.parametrize("uri", ["sqlite:////dev/null/no/runs.db", "nosuchscheme://x"])
    def test_a_broken_store_harms_nobody(self, below: Below, uri: str) -> None:
        plain = self.plain(below)
        set_tracking_uri(uri)
        self.switch_on()
        try:
            assert self.outcome(self.train()) == plain.outcome
            assert below.calls == plain.calls
        finally:
            reset_process(deadline=0.0)
            writer().forget(uri)

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
        plain = self.plain(below)
        self.switch_on()
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, _broken)
            assert self.outcome(self.train()) == plain.outcome
            assert self.random_state() == plain.random_state
            assert below.calls == plain.calls
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
        own = self._lives_on()
        check(
            not own,
            says="nothing of a training lives on once the user let it go",
            seen=f"the framework itself keeps {_kinds(own)} alive, without chiplog",
            do="fill in a training of which the framework keeps nothing",
        )
        self.switch_on()
        ours = self._lives_on()
        check(
            not ours,
            says="no reference to data, model or graph outlives the training",
            seen=f"still alive afterwards: {_kinds(ours)}",
            do="keep nothing of call or result in the session, the integration or a deferred "
            "function: hand small copies to defer() and log_figure(); gc.get_referrers tells who",
        )
        assert project.runs()

    def test_nothing_is_kept_alive_by_a_training_that_failed(self, below: Below) -> None:
        assert self._lives_on_after_failing(below) == [], "the framework itself keeps it alive"
        self.switch_on()
        ours = self._lives_on_after_failing(below)
        check(
            not ours,
            says="no reference to data or model outlives a training, a failed one included",
            seen=f"still alive afterwards: {_kinds(ours)}",
            do="keep neither the exception nor its traceback: they hold the user's frames",
        )

    def _lives_on(self) -> list[object]:
        """Train, let go, and hand back what is still there."""
        data = self.make_data()
        self.seed()
        trained = self.train_on(data)
        watched = _weakly((trained, *(data if isinstance(data, tuple) else (data,))))
        assert watched, "nothing of it can be weakly referenced; fill in data that can"
        data = trained = None
        gc.collect()
        return [reference() for reference in watched if reference() is not None]

    def _lives_on_after_failing(self, below: Below) -> list[object]:
        data = self.make_data()
        self.seed()
        below.error = ValueError("the user's own")
        with pytest.raises(ValueError, match="the user's own") as caught:
            self.train_on(data)
        watched = _weakly(data if isinstance(data, tuple) else (data,))
        del data, caught
        below.arguments = ((), {})
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
        recorded = consumed()
        check(
            recorded == plain,
            says="a user's data set or generator is never iterated or consumed",
            seen=f"{recorded} batches were taken with autolog(), {plain} without",
            do="look at what cannot be consumed: shapes, columns, len(); never call iter() on data",
        )


def _those_among(
    parts: set[int], arguments: tuple[tuple[Any, ...], dict[str, Any]]
) -> dict[int | str, int]:
    """Which arguments are among some objects, by position or name."""
    everything: dict[int | str, Any] = dict(enumerate(arguments[0]))
    everything.update(arguments[1])
    return {place: id(value) for place, value in everything.items() if id(value) in parts}


def _weakly(things: Iterable[Any]) -> list[weakref.ref[Any]]:
    watched = []
    for thing in things:
        try:
            watched.append(weakref.ref(thing))
        except TypeError:
            continue
    return watched


def _kinds(things: list[object]) -> str:
    return ", ".join(sorted({f"a {type(thing).__name__}" for thing in things}))
