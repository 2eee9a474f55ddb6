"""Tests of what is known of a training that was killed, and of two at once."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from chiplog.core.autolog.receipt import TRAINING
from chiplog.testing.integration_kit.form import IntegrationForm
from chiplog.testing.integration_kit.fresh import run_fresh
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from chiplog.testing.project import Project

_KILL = """
import os, signal
from chiplog.testing.integration_kit.form import Below
kit = load()
below = Below(kit.training_functions())
below.first = lambda: os.kill(os.getpid(), signal.SIGKILL)
kit.switch_on()
kit.train()
"""


class OutcomeTests(IntegrationForm):
    """Nothing that was recorded is lost, and nobody is told a lie about the end."""

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
    def test_a_training_that_is_killed_keeps_what_was_recorded_before(
        self, project: Project
    ) -> None:
        done = run_fresh(type(self), _KILL)
        assert done.returncode == -signal.SIGKILL, done.stderr
        run = self.only_run(project)
        assert run.info.status == "KILLED"
        receipt = project.receipt(run.info.run_id)
        assert [call.outcome for call in receipt.calls] == [TRAINING]
        tags = [name for name in run.data.tags if not name.startswith(("mlflow.", "chiplog."))]
        check(
            run.data.params or run.data.metrics or tags or run.inputs.dataset_inputs,
            says="what is known before training is recorded before training",
            seen="the run of a killed training has no parameters, metrics, tags or data sets",
            do="record parameters in before(), not in after()",
        )

    def test_two_threads_train_in_two_runs(self, project: Project) -> None:
        self.switch_on()
        self.train()
        known = {run.info.run_id for run in project.runs()}
        barrier = threading.Barrier(2)

        def train() -> None:
            barrier.wait(30)
            self.train_on(self.make_data())

        threads = [threading.Thread(target=train) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        runs = [run for run in project.top_runs() if run.info.run_id not in known]
        assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]
        assert os.environ.get("CHIPLOG_INSIDE_TRAINING") is None
