"""However a program with a training loop ends, its run says so and has every step up to then."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.client import TrackingClient
from chiplog.core.location import set_tracking_uri

if TYPE_CHECKING:
    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]

pytest.importorskip("torch")

#: One program imports torch, and a copy of it comes to each of these ends.
PROGRAM = """
import os, signal, sys, time
import chiplog
import torch
from torch import nn

torch.set_num_threads(1)
way = "parent"
for way in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        break
    os.waitpid(child, 0)
else:
    os._exit(0)
chiplog.autolog()
chiplog.set_experiment(way)

model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def train():
    for step in range(10):
        if step == 6:
            if way == "raised":
                raise ValueError("at step 6")
            if way == "interrupted":
                raise KeyboardInterrupt
            if way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if way == "terminated":
                os.kill(os.getpid(), signal.SIGTERM)
            if way == "left":
                sys.exit(3)
        optimizer.zero_grad()
        loss = model(torch.ones(4, 2)).pow(2).mean()
        loss.backward()
        optimizer.step()


if way == "inside":
    with chiplog.start_run(run_name="mine"):
        train()
        chiplog.log_metric("accuracy", 0.5)
else:
    train()
    chiplog.log_metric("accuracy", 0.5)
"""

WAYS = {
    "finished": ("FINISHED", 10, "FINISHED"),
    "inside": ("FINISHED", 10, "FINISHED"),
    "raised": ("FAILED", 6, "FAILED: ValueError"),
    "interrupted": ("FAILED", 6, "FAILED: KeyboardInterrupt"),
    "left": ("FAILED", 6, "FINISHED"),
    "killed": ("KILLED", 6, "TRAINING"),
    "terminated": ("KILLED", 6, "TRAINING"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The folder in which one program came to each of the ends."""
    folder = tmp_path_factory.mktemp("ends")
    (folder / ".chiplog").mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CHIPLOG_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), *WAYS],
        cwd=folder,
        env={**environment, "CHIPLOG_STRICT": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return {"folder": folder, "said": done.stderr}


@pytest.mark.parametrize("way", WAYS)
def test_the_run_says_how_it_ended(way: str, ended: dict[str, Any], project: Project) -> None:
    set_tracking_uri(f"sqlite:///{Path(ended['folder']) / '.chiplog' / 'chiplog.db'}")
    status, steps, outcome = WAYS[way]
    client = TrackingClient()
    experiment = client.get_experiment_by_name(way)
    assert experiment is not None, ended["said"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == status
    points = client.get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in points] == list(range(steps))
    receipt = project.receipt(run.info.run_id)
    assert [call.outcome for call in receipt.calls] == [outcome]
    if status != "KILLED":
        assert len(run.outputs.model_outputs) == 1, "the model as it was"
    if way in {"finished", "inside"}:
        assert run.data.metrics["accuracy"] == 0.5, "what the user logs goes to the same run"
    if way == "raised":
        failure = project.document(run.info.run_id, "failure")
        assert failure is not None
        assert b"at step 6" in failure
