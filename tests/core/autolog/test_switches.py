"""Every switch has MLflow's name and meaning, and one integration may configure another."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import engine
from chiplog.core.autolog.engine import autolog, flavor_autolog, installation
from chiplog.core.autolog.installation import INSTALLED, OFF, UNSUPPORTED
from chiplog.core.errors import InvalidValue
from chiplog.core.runs.lifecycle import start_run
from chiplog.hooks import hookimpl
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.integration import Integration
    from chiplog.testing.project import Project

TAG = "mlflow.autologging"


@pytest.fixture
def follower(tiny: Any) -> Iterator[Any]:
    """A second integration of the made-up framework, which the first one configures."""
    made: Any = importlib.import_module("chiplog_tinyframe")

    class Follower(made.TinyIntegration):  # type: ignore[misc]  # no types in a made-up module
        """Records searches, as Lightning is recorded beside PyTorch."""

        name = "follower"
        configured_by = "tiny"

        def points(self) -> Any:
            yield made.Point(tiny.Search, "fit", made.FitWatch)

        def install(self, installation: Installation) -> None:
            """Nothing further."""

    class Plugin:
        @hookimpl
        def chiplog_instrumentors(self) -> list[Integration]:
            return [Follower()]

    plugin = Plugin()
    plugins().add(plugin, "follower")
    engine.reset()
    yield tiny
    engine.reset()
    plugins().remove("follower")


def _known(name: str) -> Installation:
    found = installation(name)
    assert found is not None
    return found


# Which settings are in force


def test_a_framework_set_up_by_its_own_call_keeps_that_against_the_global_one(tiny: Any) -> None:
    flavor_autolog("tiny")(log_models=False, max_trainers=7)
    autolog(log_models=True, disable=True)
    assert (_known("tiny").config.disable, _known("tiny").config.log_models) == (False, False)  # type: ignore[attr-defined]
    autolog(exclude_flavors=["tiny"])
    assert _known("tiny").state == INSTALLED
    flavor_autolog("tiny")(disable=True)
    autolog()
    assert _known("tiny").state == OFF


def test_the_global_call_reaches_what_was_set_up_by_the_global_call(tiny: Any) -> None:
    autolog(log_models=False)
    autolog(exclusive=True)
    config = _known("tiny").config
    assert (config.log_models, config.exclusive) == (True, True)  # type: ignore[attr-defined]


def test_an_integration_is_configured_by_the_one_it_goes_along_with(follower: Any) -> None:
    flavor_autolog("tiny")(max_trainers=9)
    assert _known("follower").config.max_trainers == 9  # type: ignore[attr-defined]
    autolog(silent=True)
    assert not _known("follower").config.silent, "set up by tiny's own autolog()"
    flavor_autolog("tiny")(disable=True)
    assert _known("follower").state == OFF


def test_its_own_call_wins_whatever_is_called_before_or_after(follower: Any) -> None:
    flavor_autolog("follower")(max_trainers=5)
    flavor_autolog("tiny")(max_trainers=9)
    autolog(disable=True)
    assert _known("follower").config.max_trainers == 5  # type: ignore[attr-defined]
    assert _known("follower").state == INSTALLED
    assert _known("tiny").config.max_trainers == 9  # type: ignore[attr-defined]


def test_leaving_out_the_one_leaves_out_those_that_go_along(follower: Any) -> None:
    autolog(exclude_flavors=["tiny"])
    assert installation("tiny") is None
    assert installation("follower") is None
    autolog(exclude_flavors=["follower"])
    assert installation("tiny") is not None
    assert installation("follower") is None


def test_a_single_name_may_be_left_out_as_a_plain_text(tiny: Any) -> None:
    autolog(exclude_flavors="tiny")
    assert installation("tiny") is None


def test_an_unknown_parameter_is_told_with_those_there_are(tiny: Any) -> None:
    with pytest.raises(TypeError, match=r"^tiny\.autolog\(\) .* 'log_modles'") as told:
        flavor_autolog("tiny")(log_modles=True)
    assert "log_models" in str(told.value)


def test_runs_carry_the_name_of_the_one_that_configures(follower: Any, project: Project) -> None:
    flavor_autolog("follower")()
    follower.Search([0.1, 0.2]).fit([1.0])
    (run,) = project.top_runs()
    assert run.data.tags[TAG] == "tiny"
    assert project.receipt(run.info.run_id).integration == "follower"


# What each of them does


def test_exclusive_records_nothing_into_a_run_of_the_users(tiny: Any, project: Project) -> None:
    autolog(exclusive=True)
    with start_run() as mine:
        tiny.Trainer(rate=0.1).fit([1.0])
    (run,) = project.runs()
    assert run.info.run_id == mine.info.run_id
    assert not run.data.params
    tiny.Trainer(rate=0.2).fit([1.0])
    assert len(project.runs()) == 2


def test_disable_takes_everything_out(tiny: Any, project: Project) -> None:
    original = vars(tiny.Trainer)["fit"]
    autolog()
    assert vars(tiny.Trainer)["fit"] is not original
    autolog(disable=True)
    assert vars(tiny.Trainer)["fit"] is original
    tiny.Trainer(rate=0.1).fit([1.0])
    assert project.runs() == []


def test_extra_tags_are_set_on_runs_that_are_created_and_on_no_others(
    tiny: Any, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    autolog(extra_tags={"team": "vision", TAG: "mine"})
    assert TAG in caplog.text
    with start_run():
        tiny.Trainer(rate=0.1).fit([1.0])
    tiny.Trainer(rate=0.2).fit([1.0])
    users, created = project.runs()
    assert "team" not in users.data.tags
    assert TAG not in users.data.tags
    assert (created.data.tags["team"], created.data.tags[TAG]) == ("vision", "tiny")


def test_extra_tags_that_are_no_dictionary_are_told_at_the_call() -> None:
    with pytest.raises(InvalidValue, match="extra_tags"):
        autolog(extra_tags=["team"])  # type: ignore[arg-type]  # which is what is tested


@pytest.mark.parametrize("version", ["0.9", "2.0", "1.5.dev3"])
def test_an_unsupported_version_is_one_line_and_recorded_unless_switched_off(
    tiny: Any,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: str,
) -> None:
    monkeypatch.setattr(tiny, "__version__", version)
    autolog()
    (said,) = [r for r in caplog.records if "is not among the versions" in r.getMessage()]
    assert f"tinyframe {version}" in said.getMessage()
    assert ">=1,<2" in said.getMessage()
    tiny.Trainer(rate=0.1).fit([1.0])
    (run,) = project.runs()
    assert not project.receipt(run.info.run_id).known

    autolog(disable_for_unsupported_versions=True)
    assert _known("tiny").state == UNSUPPORTED
    tiny.Trainer(rate=0.2).fit([1.0])
    assert len(project.runs()) == 1


@pytest.mark.usefixtures("lenient")
def test_silent_says_nothing_while_setting_up_and_training(
    tiny: Any,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(tiny, "__version__", "7.0")
    caplog.set_level(logging.INFO)
    autolog(silent=True, extra_tags={TAG: "mine"})

    def fail(*args: Any) -> None:
        raise LookupError("of ours")

    made: Any = importlib.import_module("chiplog_tinyframe")
    monkeypatch.setattr(made.FitWatch, "after", fail)
    tiny.Trainer(rate=0.1).fit([1.0])
    assert [r.getMessage() for r in caplog.records if r.name.startswith("chiplog")] == []
    (run,) = project.runs()
    assert any("LookupError" in line.reason for line in project.receipt(run.info.run_id).degraded)
