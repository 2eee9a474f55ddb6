"""System metrics of real runs."""

from __future__ import annotations

import os
import threading
import time

import pytest

import chiplog

pytestmark = pytest.mark.usefixtures("project")

KEY = "system/cpu_utilization_percentage"


def steps(run_id: str) -> list[int]:
    return [point.step for point in chiplog.MlflowClient().get_metric_history(run_id, KEY)]


def is_sampled() -> bool:
    return any(thread.name == "chiplog-system-metrics" for thread in threading.enumerate())


def wait_for(run_id: str, count: int) -> None:
    while len(steps(run_id)) < count:
        time.sleep(0.01)


def test_a_run_is_sampled_when_start_run_says_so_and_goes_on_counting_when_resumed() -> None:
    chiplog.set_system_metrics_sampling_interval(0.01)
    with chiplog.start_run(log_system_metrics=True) as run:
        assert is_sampled()
        wait_for(run.info.run_id, 2)
    assert not is_sampled()
    before = len(steps(run.info.run_id))
    with chiplog.start_run(run_id=run.info.run_id, log_system_metrics=True):
        wait_for(run.info.run_id, before + 2)
    found = steps(run.info.run_id)
    assert found == list(range(len(found)))


def test_the_switch_decides_where_start_run_does_not() -> None:
    assert "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING" not in os.environ
    with chiplog.start_run():
        assert not is_sampled()
    chiplog.enable_system_metrics_logging()
    with chiplog.start_run():
        assert is_sampled()
    with chiplog.start_run(log_system_metrics=False):
        assert not is_sampled()
