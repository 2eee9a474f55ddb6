"""Trainings in several processes, and trainings that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.reading import metric_history

if TYPE_CHECKING:
    from chiplog.core.entities import Run
    from chiplog.testing.project import Project

pytestmark = [pytest.mark.framework, pytest.mark.slow]

pytest.importorskip("lightning")

MODULE = """
import logging
import lightning as L
import torch

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)

class Line(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(2, 1)

    def loss(self, batch):
        return (self.net(batch) - batch.sum(1, keepdim=True)).square().mean()

    def training_step(self, batch, index):
        loss = self.loss(batch)
        self.log("train_loss", loss, on_step=True, on_epoch=True, sync_dist=True)
        return loss

    def test_step(self, batch, index):
        self.log("test_loss", self.loss(batch), sync_dist=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

def data():
    return torch.utils.data.DataLoader(torch.arange(24.0).reshape(12, 2) / 10, batch_size=2)
"""

DISTRIBUTED = """
import chiplog
from module import L, Line, data

chiplog.autolog()
if __name__ == "__main__":
    trainer = L.Trainer(
        max_epochs=2, accelerator="cpu", devices=2, strategy={strategy!r}, logger=False,
        enable_progress_bar=False, enable_model_summary=False,
    )
    model = Line()
    trainer.fit(model, data())
    if {strategy!r} == "ddp":  # the other starts two more processes for it
        trainer.test(model, data(), verbose=False)
"""

TERMINATED = """
import chiplog, os, signal
chiplog.autolog()
from module import L, Line, data

class Terminated(Line):
    def training_step(self, batch, index):
        if self.global_step == 8:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().training_step(batch, index)

def train():
    L.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    ).fit(Terminated(), data())

try:
    train()
except SystemExit:
    pass
try:
    with chiplog.start_run():
        train()
except SystemExit:
    pass
chiplog.start_run()
train()
"""


def run_script(project: Project, script: str) -> subprocess.CompletedProcess[str]:
    (project.path / "module.py").write_text(MODULE)
    (project.path / "script.py").write_text(textwrap.dedent(script))
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CHIPLOG_", "MLFLOW_"))
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore", "script.py"],
        cwd=project.path,
        env={**environment, "CHIPLOG_STRICT": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def steps(run: Run, key: str) -> list[int]:
    return [m.step for m in metric_history(get_tracking_uri(), run.info.run_id, key)]


@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn"])
def test_two_processes_are_one_run(project: Project, strategy: str) -> None:
    done = run_script(project, DISTRIBUTED.format(strategy=strategy))
    assert done.returncode == 0, done.stderr
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert steps(run, "train_loss_step") == [1, 2, 3, 4, 5, 6]
    assert steps(run, "train_loss_epoch") == [0, 1]
    assert len(steps(run, "test_loss")) == (strategy == "ddp")
    assert run.data.params["optimizer_name"] == "SGD"
    assert len(run.outputs.model_outputs) == 1
    captured = {entry.what for entry in project.receipt(run.info.run_id).captured}
    assert {"metrics of steps", "model", "params"} <= captured


def test_sigterm_ends_training_as_lightning_does_and_the_run_says_killed(project: Project) -> None:
    done = run_script(project, TERMINATED)
    assert done.returncode == 0, done.stderr
    runs = project.runs()
    assert [run.info.status for run in runs] == ["KILLED"] * 3
    assert [run.data.tags["chiplog.exit.reason"] for run in runs] == ["SIGTERM"] * 3
    for run in runs:
        assert steps(run, "train_loss_step") == list(range(1, 10)), "the step under way is ended"
