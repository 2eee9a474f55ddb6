"""Sampling the machine while a run asks for it, and going on when the run is resumed."""

from __future__ import annotations

import time

import pytest

import chiplog

pytestmark = pytest.mark.usefixtures("project")

KEY = "system/system_memory_usage_percentage"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.01")


def steps(run: chiplog.ActiveRun) -> list[int]:
    return [point.step for point in chiplog.get_metric_history(run.info.run_id, KEY)]


def wait_for_samples(run: chiplog.ActiveRun, more_than: int) -> None:
    deadline = time.monotonic() + 30
    while len(steps(run)) <= more_than:
        assert time.monotonic() < deadline, "nothing was sampled"
        time.sleep(0.01)


def test_a_run_is_sampled_if_it_asks_for_it_and_not_after_its_end() -> None:
    with chiplog.start_run(log_system_metrics=True) as run:
        wait_for_samples(run, 1)
    sampled = steps(run)
    assert sampled == list(range(len(sampled)))
    with chiplog.start_run() as other:
        time.sleep(0.05)
    assert steps(run) == sampled
    assert steps(other) == []


def test_the_switch_decides_unless_the_run_does() -> None:
    chiplog.enable_system_metrics_logging()
    with chiplog.start_run() as run:
        wait_for_samples(run, 0)
    with chiplog.start_run(log_system_metrics=False) as without:
        time.sleep(0.05)
    chiplog.disable_system_metrics_logging()
    assert steps(without) == []


def test_a_resumed_run_goes_on_after_its_highest_step() -> None:
    with chiplog.start_run(log_system_metrics=True) as run:
        wait_for_samples(run, 0)
    before = len(steps(run))
    with chiplog.start_run(run.info.run_id, log_system_metrics=True):
        wait_for_samples(run, before)
    assert steps(run) == list(range(len(steps(run))))
