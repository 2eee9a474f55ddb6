"""Tests that whatever the integration's own code raises stays with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import engine
from chiplog.core.autolog.account import account
from chiplog.core.autolog.integration import Watch
from chiplog.core.runs.active import current_run
from chiplog.testing.integration_kit.form import IntegrationForm
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from chiplog.testing.integration_kit.form import Below
    from chiplog.testing.project import Project


class AuthorsError(Exception):
    """What the tests make the integration's own code raise."""


def _broken(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001
    raise AuthorsError("on purpose")


class ContainmentTests(IntegrationForm):
    """An integration that raises is one warning, and training goes on."""

    @pytest.mark.usefixtures("lenient")
    @pytest.mark.parametrize("name", ["wants", "continues", "before", "after"])
    def test_a_watch_that_raises_harms_nobody(
        self,
        project: Project,
        below: Below,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        name: str,
    ) -> None:
        watches = self._watches()
        if not watches:
            pytest.skip("the integration has no Watch of its own")
        plain = self.plain(below)
        self.switch_on()
        with monkeypatch.context() as patch:
            for watch in watches:
                broken = classmethod(_broken) if name in {"wants", "continues"} else _broken
                patch.setattr(watch, name, broken)
            self._train_unharmed(plain, below, f"{name}() raises")
        said = [record.message for record in caplog.records if "on purpose" in record.message]
        check(
            len(said) == 1,
            says="an exception of the integration's own is one warning",
            seen=f"{len(said)} warnings: {said}",
            do="catch nothing yourself: let it reach the engine, which says it once",
        )
        assert "CHIPLOG_STRICT=1" in said[0]
        assert current_run() is None
        known = {run.info.run_id for run in project.runs()}
        self.train()
        (run,) = [run for run in project.top_runs() if run.info.run_id not in known]
        assert run.info.status == "FINISHED", "the next training is recorded as ever"

    @pytest.mark.usefixtures("lenient")
    def test_a_watch_that_raises_does_not_hide_the_users_exception(
        self, below: Below, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.switch_on()
        for watch in self._watches():
            monkeypatch.setattr(watch, "failed", _broken)
        theirs = below.error = ValueError("the user's own")
        with pytest.raises(ValueError, match="the user's own") as caught:
            self.train()
        assert caught.value is theirs
        assert theirs.__context__ is None

    @pytest.mark.usefixtures("lenient")
    @pytest.mark.parametrize("name", ["points", "install"])
    def test_an_integration_that_cannot_be_set_up_changes_nothing_and_says_so(
        self,
        project: Project,
        below: Below,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        name: str,
    ) -> None:
        plain = self.plain(below)
        monkeypatch.setattr(type(engine.integrations()[self.integration]), name, _broken)
        installation = self.switch_on()
        check(
            installation.patcher.patches == [],
            says="an integration that cannot be set up leaves nothing patched",
            seen=f"{name}() raised, and {len(installation.patcher.patches)} patches stayed",
            do="patch through installation.patcher or installation.watch alone",
        )
        self._train_unharmed(plain, below, f"{name}() raises")
        assert project.runs() == []
        assert "on purpose" in caplog.text
        line = account.line()
        assert line is not None
        assert self.integration in line

    @pytest.mark.usefixtures("lenient")
    def test_an_integration_that_cannot_be_taken_out_leaves_nothing_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.train()
        installation = self.switch_on()
        patches = installation.patcher.patches
        assert patches
        monkeypatch.setattr(type(installation.integration), "uninstall", _broken)
        with pytest.raises(AuthorsError):
            self.switch_off()
        left = [patch.target for patch in patches if patch.is_outermost]
        assert left == []
        monkeypatch.undo()

    def _train_unharmed(self, plain: Any, below: Below, how: str) -> None:
        outcome = self.outcome(self.train())
        check(
            outcome == plain.outcome and self.random_state() == plain.random_state,
            says="whatever goes wrong in an integration, training comes to the same",
            seen=f"when {how}, the trained object or the random numbers differ",
            do="change nothing of the user's before what can raise has been done",
        )
        check(
            below.calls == plain.calls,
            says="the user's function is called exactly once, whatever goes wrong",
            seen=f"when {how}: {below.calls} calls, {plain.calls} without chiplog",
            do="leave the call to the engine",
        )

    def _watches(self) -> list[type[Watch[Any]]]:
        """The integration's own watches, imported by setting it up."""
        self.training_functions()
        module = type(engine.integrations()[self.integration]).__module__
        home = module.rpartition(".")[0] or module
        known: list[type[Watch[Any]]] = []
        left = list(Watch.__subclasses__())
        while left:
            watch = left.pop()
            left.extend(watch.__subclasses__())
            if (watch.__module__ + ".").startswith(f"{home}."):
                known.append(watch)
        return known
