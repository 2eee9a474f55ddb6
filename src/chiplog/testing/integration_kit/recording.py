"""Tests of what is recorded, and into which run."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest

from chiplog.core.autolog import engine, nesting
from chiplog.core.autolog.account import account
from chiplog.core.runs.lifecycle import start_run
from chiplog.testing.integration_kit.form import IntegrationForm

if TYPE_CHECKING:
    from chiplog.testing.project import Project

TAG = "mlflow.autologging"


class RecordingTests(IntegrationForm):
    """One run per training, in the right place, with a receipt."""

    def test_a_training_is_one_run_that_is_created_and_finished(self, project: Project) -> None:
        self.switch_on(extra_tags={"team": "vision"})
        self.train()
        run = self.only_run(project)
        assert run.info.status == "FINISHED"
        assert run.info.end_time is not None
        assert run.data.tags[TAG] == self.tag()
        assert run.data.tags["team"] == "vision"
        assert run.data.params or run.data.metrics

    def test_each_further_training_is_a_run_of_its_own(self, project: Project) -> None:
        self.switch_on()
        self.train()
        self.train()
        assert len(project.top_runs()) == 2

    def test_a_run_of_the_users_is_adopted_and_stays_open(self, project: Project) -> None:
        self.switch_on(extra_tags={"team": "vision"})
        with start_run() as mine:
            self.train()
            run = self.only_run(project)
            assert run.info.run_id == mine.info.run_id
            assert run.info.status == "RUNNING"
            assert TAG not in run.data.tags
            assert "team" not in run.data.tags
            assert run.data.params or run.data.metrics

    def test_a_second_training_in_a_run_of_the_users_is_a_child_that_loses_nothing(
        self, project: Project
    ) -> None:
        self.switch_on()
        with start_run() as mine:
            self.train()
            first = {run.info.run_id for run in project.runs()}
            self.train()
        later = [run for run in project.children(mine.info.run_id) if run.info.run_id not in first]
        own = [run for run in later if project.document(run.info.run_id, "receipt") is not None]
        (child,) = own
        (parent,) = project.top_runs()
        assert child.info.status == "FINISHED"
        assert child.data.tags[TAG] == self.tag()
        assert child.data.params.keys() == parent.data.params.keys()
        assert child.data.metrics.keys() == parent.data.metrics.keys()

    def test_with_exclusive_a_run_of_the_users_is_left_alone(self, project: Project) -> None:
        self.switch_on(exclusive=True)
        with start_run():
            self.train()
        (run,) = project.runs()
        assert run.data.params == {}
        assert run.data.metrics == {}
        self.train()
        assert len(project.top_runs()) == 2

    def test_a_thread_of_the_users_trains_in_a_run_of_its_own(self, project: Project) -> None:
        self.switch_on()
        with start_run() as mine:
            thread = threading.Thread(target=self.train)
            thread.start()
            thread.join()
        runs = {run.info.run_id: run for run in project.top_runs()}
        assert runs.pop(mine.info.run_id).data.params == {}
        (other,) = runs.values()
        assert other.data.tags[TAG] == self.tag()

    def test_only_the_outermost_training_is_logged(self, project: Project) -> None:
        self.switch_on()
        self.seed()
        self.train_nested(self.make_data())
        run = self.only_run(project)
        assert run.info.status == "FINISHED"
        receipts = [run for run in project.runs() if project.document(run.info.run_id, "receipt")]
        assert len(receipts) == 1

    def test_the_receipt_tells_what_fired_what_was_captured_and_what_it_cost(
        self, project: Project
    ) -> None:
        self.switch_on()
        self.train()
        run = self.only_run(project)
        receipt = project.receipt(run.info.run_id)
        assert receipt.integration == self.integration
        assert receipt.framework.partition(" ")[2][:1].isdigit()
        assert receipt.known
        assert receipt.captured
        assert receipt.degraded == []
        assert sum(hook.fired for hook in receipt.hooks) >= 1
        assert receipt.hooks_installed >= 1
        assert [call.outcome for call in receipt.calls] == ["FINISHED"]
        assert receipt.training_ms > 0
        assert receipt.overhead_ms > 0

    def test_while_suspended_nothing_is_recorded(self, project: Project) -> None:
        self.switch_on()
        with nesting.suspended():
            self.train()
        assert project.runs() == []
        self.train()
        assert len(project.top_runs()) == 1

    def test_silent_says_nothing(self, project: Project, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, logger="chiplog")
        self.switch_on(silent=True)
        self.train()
        assert [record for record in caplog.records if record.levelno >= logging.INFO] == []
        assert len(project.top_runs()) == 1

    @pytest.mark.usefixtures("lenient")
    def test_a_version_that_is_not_known_is_recorded_and_said(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.train()
        monkeypatch.setattr(engine.integrations()[self.integration], "versions", ">=999")
        self.switch_on()
        assert "not among the versions" in caplog.text
        self.train()
        run = self.only_run(project)
        assert not project.receipt(run.info.run_id).known

    def test_a_version_that_is_not_known_can_be_left_out_and_is_then_told_at_exit(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.train()
        monkeypatch.setattr(engine.integrations()[self.integration], "versions", ">=999")
        self.switch_on(disable_for_unsupported_versions=True)
        self.train()
        assert project.runs() == []
        line = account.line()
        assert line is not None
        assert self.integration in line
        assert ">=999" in line
