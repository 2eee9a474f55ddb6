"""Keras on another backend than TensorFlow, which needs a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.reading import metric_history

if TYPE_CHECKING:
    from chiplog.testing.project import Project

pytestmark = [pytest.mark.framework, pytest.mark.slow]

pytest.importorskip("keras")
pytest.importorskip("torch")

SCRIPT = """
import chiplog
chiplog.autolog(log_input_examples=True)
import keras, numpy as np, torch
torch.set_num_threads(1)

def train(seed):
    keras.utils.set_random_seed(seed)
    X = torch.rand(40, 3)
    y = X.sum(1, keepdim=True)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 100)
    model.compile(keras.optimizers.SGD(schedule), "mse")
    model.fit(X, y, batch_size=10, epochs=2, validation_split=0.5, verbose=0)
    return model, model.get_weights()[0].tobytes()

model, recorded = train(1)
chiplog.autolog(disable=True)
assert train(1)[1] == recorded
uri = chiplog.last_active_run().outputs.model_outputs[0].model_id
loaded = chiplog.keras.load_model(f"models:/{uri}")
assert loaded.get_weights()[0].tobytes() == recorded
"""


def test_on_torch_the_same_is_recorded(project: Project) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "torch", "CHIPLOG_STRICT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True, text=True, timeout=180, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = project.runs()
    assert run.data.tags["mlflow.autologging"] == "keras"
    assert run.data.tags["keras_backend"] == "torch"
    assert run.data.params["optimizer_learning_rate"] == "CosineDecay"
    uri, run_id = get_tracking_uri(), run.info.run_id
    assert [point.step for point in metric_history(uri, run_id, "batch/loss")] == [0, 1, 2, 3]
    assert [point.step for point in metric_history(uri, run_id, "val_loss")] == [0, 1]
    assert len(metric_history(uri, run_id, "batch/learning_rate")) == 4
    (given,) = run.inputs.dataset_inputs
    assert "float32" in (given.dataset.schema or "")
    assert project.receipt(run_id).degraded == []
