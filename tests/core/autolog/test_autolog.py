"""autolog() on a made-up framework: what the conformance kit does not ask of every integration."""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import engine
from chiplog.core.autolog.account import account
from chiplog.core.autolog.engine import autolog, flavor_autolog
from chiplog.core.autolog.opening import open_session
from chiplog.core.errors import InvalidValue, NotFound, StoreUnavailable
from chiplog.core.runs.active import current_run
from chiplog.core.runs.lifecycle import end_run, start_run
from chiplog.hooks import hookimpl
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.testing.project import Project

DATA = [1.0, 2.0]


# Switching on


def test_the_one_line_has_mlflows_signature_and_a_limit_of_overhead() -> None:
    parameters = inspect.signature(autolog).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "log_input_examples": False,
        "log_model_signatures": True,
        "log_models": True,
        "log_datasets": True,
        "log_traces": True,
        "disable": False,
        "exclusive": False,
        "disable_for_unsupported_versions": False,
        "silent": False,
        "extra_tags": None,
        "exclude_flavors": None,
        "max_overhead": None,  # chiplog's own, behind MLflow's
    }


def test_an_integrations_autolog_is_made_from_its_options(tiny: Any) -> None:
    parameters = inspect.signature(flavor_autolog("tiny")).parameters
    assert list(parameters) == [
        "log_models",
        "max_trainers",
        "disable",
        "exclusive",
        "disable_for_unsupported_versions",
        "silent",
        "extra_tags",
        "max_overhead",
    ]
    assert parameters["max_trainers"].default == 3
    assert "made-up" in (inspect.getdoc(flavor_autolog("tiny")) or "")


def test_options_that_are_wrong_are_told_at_the_call(tiny: Any) -> None:
    with pytest.raises(InvalidValue, match="max_trainers=-1"):
        flavor_autolog("tiny")(max_trainers=-1)
    with pytest.raises(InvalidValue, match="extra_tags"):
        autolog(extra_tags=["a"])  # type: ignore[arg-type]
    assert engine.installations() == {}


def test_an_unknown_integration_is_told_with_those_that_are_known(tiny: Any) -> None:
    with pytest.raises(NotFound, match=r"'nosuch'; known are: .*tiny"):
        flavor_autolog("nosuch")


def test_the_one_line_hands_on_what_an_integration_knows(tiny: Any) -> None:
    autolog(log_models=False, log_datasets=False)
    installation = engine.installation("tiny")
    assert installation is not None
    assert installation.config.log_models is False  # type: ignore[attr-defined]


@pytest.mark.usefixtures("lenient")
def test_an_integration_that_cannot_be_set_up_is_a_warning_and_told_at_exit(
    tiny: Any, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Any, installation: Any) -> Any:
        raise RuntimeError("half a framework")

    before = vars(tiny.Trainer)["fit"]
    monkeypatch.setattr(type(engine.integrations()["tiny"]), "install", broken)
    autolog()
    assert "half a framework" in caplog.text
    assert vars(tiny.Trainer)["fit"] is before
    tiny.Trainer().fit(DATA)
    assert project.runs() == []
    assert "tiny (it could not be set up" in (account.line() or "")


def test_a_framework_imported_later_is_installed_then(made_up: Any, project: Project) -> None:
    import importlib

    plugins().add(importlib.import_module("chiplog_tinyframe"), "tiny")
    try:
        engine.reset()
        autolog()
        tiny = importlib.import_module("tinyframe")
        tiny.Trainer().fit(DATA)
        assert len(project.runs()) == 1
    finally:
        engine.reset()
        plugins().remove("tiny")


def test_reverting_before_the_import_leaves_the_framework_alone(
    made_up: Any, project: Project
) -> None:
    import importlib

    plugins().add(importlib.import_module("chiplog_tinyframe"), "tiny")
    try:
        engine.reset()
        autolog()
        autolog(disable=True)
        tiny = importlib.import_module("tinyframe")
        assert inspect.isfunction(vars(tiny.Trainer)["fit"])
        assert type(vars(tiny.Trainer)["fit"]).__name__ == "function"
    finally:
        engine.reset()
        plugins().remove("tiny")


def test_threads_are_followed_only_while_something_is_on(tiny: Any) -> None:
    before = vars(threading.Thread)["start"]
    autolog()
    assert vars(threading.Thread)["start"] is not before
    autolog(disable=True)
    assert vars(threading.Thread)["start"] is before


# Runs


def test_what_the_user_logs_while_training_goes_to_the_run_that_was_created(
    tiny: Any, project: Project
) -> None:
    active = []
    autolog()
    tiny.train({"decay": 0.5}, [], callbacks=[lambda step, loss: active.append(current_run())])
    (run,) = project.runs()
    assert {found.info.run_id for found in active if found} == {run.info.run_id}
    assert current_run() is None


def test_in_a_second_training_of_the_users_run_that_run_stays_the_active_one(
    tiny: Any, project: Project
) -> None:
    active = []
    autolog()
    with start_run() as mine:
        tiny.Trainer().fit(DATA)
        tiny.train({}, [], callbacks=[lambda step, loss: active.append(current_run())])
    assert [found is mine for found in active] == [True] * 3


def test_a_run_the_user_ends_while_training_stays_ended(tiny: Any, project: Project) -> None:
    autolog()
    tiny.train({}, [], callbacks=[lambda step, loss: end_run("KILLED")])
    (run,) = project.runs()
    assert run.info.status == "KILLED"
    tiny.Trainer().fit(DATA)
    assert len(project.runs()) == 2


def test_a_resumed_run_that_was_trained_in_before_gets_a_child(tiny: Any, project: Project) -> None:
    autolog()
    with start_run() as mine:
        tiny.Trainer().fit(DATA)
    from chiplog.core.autolog import session_run

    session_run.forget_claims()  # as in another process
    with start_run(run_id=mine.info.run_id):
        tiny.Trainer(rate=0.9).fit(DATA)
    (child,) = project.children(mine.info.run_id)
    assert child.data.params["rate"] == "0.9"


def test_a_callback_of_the_frameworks_own_records_every_step(tiny: Any, project: Project) -> None:
    autolog()
    assert tiny.train({"decay": 0.5}, [1], steps=4)["loss"] == 0.0625
    (run,) = project.runs()
    assert run.data.metrics == {"loss": 0.0625}
    (latest,) = run.data.latest_metrics
    assert latest.step == 3


def test_training_in_steps_is_one_run(tiny: Any, project: Project) -> None:
    autolog()
    stepper = tiny.Stepper()
    for value in (1.0, 2.0, 3.0):
        stepper.partial_fit([value])
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"total": 6.0}
    assert run.data.latest_metrics[0].step == 2
    receipt = project.receipt(run.info.run_id)
    assert len(receipt.calls) == 3
    assert receipt.hooks[0].fired == 3
    tiny.Stepper().partial_fit([1.0])
    assert len(project.runs()) == 2


def test_training_in_steps_follows_the_users_run(tiny: Any, project: Project) -> None:
    autolog()
    stepper = tiny.Stepper()
    with start_run() as first:
        stepper.partial_fit([1.0])
        stepper.partial_fit([1.0])
    with start_run() as second:
        stepper.partial_fit([1.0])
    metrics = {run.info.run_id: run.data.latest_metrics[0].step for run in project.runs()}
    assert metrics == {first.info.run_id: 1, second.info.run_id: 0}


def test_what_is_measured_afterwards_goes_to_the_run_of_the_trained_object(
    tiny: Any, project: Project
) -> None:
    autolog()
    first, second = tiny.Trainer().fit(DATA), tiny.Trainer().fit(DATA)
    first.predict([1, 2, 3])
    tiny.Trainer.predict(second, [1])
    assert [run.data.metrics["predictions"] for run in project.runs()] == [3.0, 1.0]


def test_after_reconfiguring_the_run_of_a_trained_object_is_still_known(
    tiny: Any, project: Project
) -> None:
    autolog()
    trainer = tiny.Trainer().fit(DATA)
    autolog(log_models=False)
    trainer.predict([1])
    (run,) = project.runs()
    assert run.data.metrics["predictions"] == 1.0


def test_two_threads_train_in_two_runs_at_once(tiny: Any, project: Project) -> None:
    autolog()
    meet = threading.Barrier(2)

    def train(decay: float) -> None:
        tiny.train({"decay": decay}, [], callbacks=[lambda step, loss: meet.wait(20)])

    threads = [threading.Thread(target=train, args=(decay,)) for decay in (0.5, 0.25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = project.top_runs()
    assert sorted(run.data.metrics["loss"] for run in runs) == [0.015625, 0.125]
    assert {run.info.status for run in runs} == {"FINISHED"}


# Sessions without a call


def test_a_session_can_be_opened_and_ended_by_callbacks(tiny: Any, project: Project) -> None:
    model = tiny.Trainer()
    opened = open_session("tiny", trained=model)
    assert opened is not None
    opened.session.log_params({"a": 1})
    for step in range(3):
        opened.session.log_metric("loss", 1.0 / (step + 1), step)
    assert project.runs()[0].info.status == "RUNNING"
    opened.finish()
    opened.finish()
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert run.data.params == {"a": "1"}
    assert run.data.tags["mlflow.autologging"] == "tiny"
    assert [call.point for call in project.receipt(run.info.run_id).calls] == ["tiny: training"]


def test_a_session_that_failed_says_so(tiny: Any, project: Project) -> None:
    with pytest.raises(ValueError, match="theirs"), open_session("tiny"):  # type: ignore[union-attr]
        raise ValueError("theirs")
    (run,) = project.runs()
    assert run.info.status == "FAILED"
    assert b"theirs" in (project.document(run.info.run_id, "failure") or b"")
    (left_out,) = project.receipt(run.info.run_id).skipped
    assert "such as the model" in left_out.what
    assert left_out.reason == "training raised ValueError"


def test_inside_a_training_there_is_no_session_to_open(tiny: Any, project: Project) -> None:
    autolog()
    found: list[Any] = []
    tiny.train({}, [], steps=1, callbacks=[lambda step, loss: found.append(open_session("tiny"))])
    assert found == [None]
    assert len(project.runs()) == 1


def test_trainings_inside_an_open_session_are_not_logged_again(tiny: Any, project: Project) -> None:
    autolog()
    opened = open_session("tiny")
    tiny.Trainer().fit(DATA)
    assert opened is not None
    opened.finish()
    assert len(project.runs()) == 1
    tiny.Trainer().fit(DATA)
    assert len(project.runs()) == 2


def test_a_session_may_be_ended_by_another_thread(tiny: Any, project: Project) -> None:
    opened = open_session("tiny")
    assert opened is not None
    thread = threading.Thread(target=opened.finish)
    thread.start()
    thread.join()
    assert project.runs()[0].info.status == "FINISHED"
    autolog()
    tiny.Trainer().fit(DATA)
    assert len(project.runs()) == 2


# What a session records


@pytest.fixture
def session(tiny: Any) -> Iterator[TrainingSession]:
    opened = open_session("tiny")
    assert opened is not None
    yield opened.session
    opened.finish()


def _recorded(project: Project) -> Any:
    (run,) = project.runs()
    return run


def test_params_that_are_too_long_are_cut_and_noted(
    session: TrainingSession, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    assert session.log_params({"long": "x" * 7000, "short": [1, 2]}) == 2
    params = _recorded(project).data.params
    assert params == {"long": "x" * 6000, "short": "[1, 2]"}
    (note,) = session.receipt.degraded
    assert note.what == "param 'long'"
    assert "7000 to 6000" in note.reason
    assert caplog.records == []


def test_a_param_that_is_not_allowed_costs_itself_alone(
    session: TrainingSession, project: Project
) -> None:
    assert session.log_params({"a": 1, "not?allowed": 2, "../up": 3}) == 1
    assert session.log_params({"a": 5, "b": 2}) == 1
    assert _recorded(project).data.params == {"a": "1", "b": "2"}
    assert [note.what for note in session.receipt.skipped] == [
        "param 'not?allowed'",
        "param '../up'",
        "param 'a'",
    ]


def test_a_metric_that_is_no_number_costs_itself_alone(
    session: TrainingSession, project: Project
) -> None:
    assert session.log_metrics({"good": 1, "bad": "many", "nan": float("nan")}, step=4) == 2
    assert _recorded(project).data.metrics.keys() == {"good", "nan"}
    assert [note.what for note in session.receipt.skipped] == ["metric 'bad'"]


def test_files_and_figures_are_there_when_they_are_looked_for(
    session: TrainingSession, project: Project
) -> None:
    from chiplog.core.artifacts.loading import list_artifacts, load_dict, load_text

    threads = []

    def draw(size: int) -> bytes:
        threads.append(threading.current_thread())
        return b"pixels" * size

    session.log_text("Ahoi", "notes/hello.txt")
    session.log_dict({"a": [1, 2]}, "numbers.json")
    session.log_figure("figure.png", draw, 2)
    names = [file.path for file in list_artifacts(run_id=session.run_id)]
    assert names == ["figure.png", "notes", "numbers.json"]
    assert load_text(f"runs:/{session.run_id}/notes/hello.txt") == "Ahoi"
    assert load_dict(f"runs:/{session.run_id}/numbers.json") == {"a": [1, 2]}
    assert threading.current_thread() not in threads


@pytest.mark.usefixtures("lenient")
def test_deferred_work_that_fails_is_a_line_in_the_receipt(
    tiny: Any, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    def draw() -> bytes:
        raise RuntimeError("out of ink")

    with open_session("tiny") as opened:  # type: ignore[union-attr]
        opened.session.log_figure("figure.png", draw)
    receipt = project.receipt(_recorded(project).info.run_id)
    assert [(note.what, note.reason) for note in receipt.degraded] == [
        ("figure figure.png", "RuntimeError: out of ink")
    ]
    assert "out of ink" in caplog.text


@pytest.mark.usefixtures("lenient")
def test_a_part_that_fails_costs_itself_alone(
    session: TrainingSession, caplog: pytest.LogCaptureFixture
) -> None:
    with session.capture("first"):
        raise RuntimeError("ours")
    with session.capture("second", count=4):
        pass
    with session.capture("third") as note:
        note.skip("there is none")
    assert [(n.what, n.reason) for n in session.receipt.degraded] == [
        ("first", "RuntimeError: ours")
    ]
    assert [(n.what, n.count) for n in session.receipt.captured] == [("second", 4)]
    assert [(n.what, n.reason) for n in session.receipt.skipped] == [("third", "there is none")]
    assert len(caplog.records) == 1


# Hooks and the account


def test_plugins_are_told_when_a_training_starts_and_ends(tiny: Any, project: Project) -> None:
    told: list[Any] = []

    class Listener:
        @hookimpl
        def chiplog_training_started(self, session: TrainingSession) -> None:
            told.append(("started", session.run_id))

        @hookimpl
        def chiplog_training_finished(self, session: TrainingSession, outcome: str) -> None:
            told.append((outcome, session.run_id))

    plugins().add(Listener(), "listener")
    try:
        autolog()
        tiny.Trainer().fit(DATA)
        with pytest.raises(ValueError, match="no data"):
            tiny.Trainer().fit(None)
    finally:
        plugins().remove("listener")
    first, second = (run.info.run_id for run in project.runs())
    assert told == [
        ("started", first),
        ("FINISHED", first),
        ("started", second),
        ("FAILED", second),
    ]


def test_a_training_of_which_nothing_is_recorded_is_told_at_exit(
    tiny: Any, project: Project
) -> None:
    autolog()
    tiny.Trainer.trained(DATA)
    assert len(project.runs()) == 1, "the fit inside it is recorded"
    assert account.line() is None
    engine.installation("tiny").patcher.undo()  # type: ignore[union-attr]
    autolog(exclude_flavors=["tiny"])
    assert account.line() is None


@pytest.mark.usefixtures("lenient")
def test_a_training_that_could_not_be_recorded_is_told_at_exit(
    tiny: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    autolog()
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "nosuchscheme://x")
    tiny.Trainer().fit(DATA)
    line = account.line() or ""
    assert "1 call of tinyframe._trainer.Trainer.fit" in line
    assert "nosuchscheme" in line


def test_the_receipt_names_the_hooks_that_could_not_be_installed(
    tiny: Any, project: Project
) -> None:
    autolog()
    tiny.Trainer().fit(DATA)
    (run,) = project.runs()
    missing = [hook for hook in project.receipt(run.info.run_id).hooks if not hook.installed]
    assert [hook.point for hook in missing] == ["tinyframe._trainer.Trainer.no_such_method"]
    assert missing[0].reason == "there is no such function in this version"


def test_the_receipt_counts_the_trainings_inside(tiny: Any, project: Project) -> None:
    autolog()
    tiny.Search(rates=(0.1, 0.2, 0.3)).fit(DATA)
    (run,) = project.runs()
    fired = {hook.point: hook.fired for hook in project.receipt(run.info.run_id).hooks}
    assert fired["tinyframe._trainer.Search.fit"] == 1
    assert fired["tinyframe._trainer.Trainer.fit"] == 3


# What is told


def test_while_training_goes_on_the_receipt_says_so(tiny: Any, project: Project) -> None:
    outcomes: list[str] = []

    def look(step: int, loss: float) -> None:
        (run,) = project.runs()
        outcomes.extend(call.outcome for call in project.receipt(run.info.run_id).calls)

    autolog()
    tiny.train({}, [], steps=1, callbacks=[look])
    (run,) = project.runs()
    assert outcomes == ["TRAINING"]
    assert [call.outcome for call in project.receipt(run.info.run_id).calls] == ["FINISHED"]


def test_a_run_trained_in_steps_tells_of_each_beginning_and_end(
    tiny: Any, project: Project
) -> None:
    told: list[tuple[str, str]] = []

    class Listener:
        @hookimpl
        def chiplog_run_started(self, run: Any) -> None:
            told.append(("started", run.info.run_id))

        @hookimpl
        def chiplog_run_ended(self, run: Any) -> None:
            assert run.info.status == "FINISHED"
            told.append(("ended", run.info.run_id))

    plugins().add(Listener(), "listener")
    try:
        autolog()
        stepper = tiny.Stepper()
        for value in (1.0, 2.0):
            stepper.partial_fit([value])
    finally:
        plugins().remove("listener")
    (run,) = project.runs()
    assert told == [("started", run.info.run_id), ("ended", run.info.run_id)] * 2


def test_what_was_watched_is_forgotten_when_switched_off(tiny: Any) -> None:
    autolog()
    installation = engine.installation("tiny")
    assert installation is not None
    assert installation.training
    autolog(disable=True)
    assert not installation.training
    assert not installation.patcher.patches


@pytest.mark.usefixtures("lenient")
def test_a_store_that_cannot_be_used_is_one_warning_in_a_session(
    session: TrainingSession, caplog: pytest.LogCaptureFixture
) -> None:
    for what in ("model", "plots", "html"):
        with session.capture(what):
            raise StoreUnavailable("read-only")
    with session.capture("params"):
        raise ValueError("another")
    warned = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 2
    assert len(session.receipt.degraded) == 4
