from __future__ import annotations

import os
import threading

import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.system_metrics import (
    SystemMetricsMonitor,
    disable_system_metrics_logging,
    enable_system_metrics_logging,
    is_system_metrics_logging_enabled,
    set_system_metrics_node_id,
    set_system_metrics_samples_before_logging,
    set_system_metrics_sampling_interval,
)
from chiplog.core.system_metrics.gauges import Gauges, NvidiaGauge

NAMES = {
    "cpu_utilization_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
    "disk_usage_percentage",
    "disk_usage_megabytes",
    "disk_available_megabytes",
    "network_receive_megabytes",
    "network_transmit_megabytes",
}


class Log:
    """Keeps what is logged, and lets a test wait for it."""

    def __init__(self) -> None:
        self.points: list[tuple[dict[str, float], int]] = []
        self.threads: set[int] = set()
        self._more = threading.Condition()

    def __call__(self, metrics: dict[str, float], step: int) -> None:
        with self._more:
            self.points.append((metrics, step))
            self.threads.add(threading.get_ident())
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.points) >= count, timeout=30)

    @property
    def steps(self) -> list[int]:
        return [step for _, step in self.points]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings, which live in the environment, go with the test."""
    for name in (
        "ENABLE_SYSTEM_METRICS_LOGGING",
        "SYSTEM_METRICS_SAMPLING_INTERVAL",
        "SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING",
        "SYSTEM_METRICS_NODE_ID",
    ):
        for prefix in ("CHIPLOG", "MLFLOW"):
            monkeypatch.setenv(f"{prefix}_{name}", "")


def test_the_machine_is_sampled_under_mlflows_names_with_counted_steps(log: Log) -> None:
    monitor = SystemMetricsMonitor(log, interval=0.01)
    monitor.start()
    log.wait_for(3)
    monitor.stop()
    metrics, _ = log.points[0]
    assert {f"system/{name}" for name in NAMES} <= set(metrics)
    assert all(name.startswith(("system/", "system/gpu_")) for name in metrics)
    assert log.steps == list(range(len(log.steps)))
    assert threading.get_ident() not in log.threads


def test_values_are_plausible() -> None:
    with Gauges() as gauges:
        sample = gauges.read()
    assert set(sample) >= NAMES
    assert all(type(value) in {float, int} for value in sample.values())
    assert all(0 <= sample[name] <= 100 for name in NAMES if name.endswith("percentage"))
    assert sample["system_memory_usage_megabytes"] > 10
    assert sample["network_receive_megabytes"] >= 0


def test_nothing_is_logged_any_more_once_stop_returns(log: Log) -> None:
    monitor = SystemMetricsMonitor(log, interval=0.001)
    monitor.start()
    log.wait_for(2)
    monitor.stop()
    count = len(log.points)
    monitor.stop()
    assert monitor._thread is not None
    monitor._thread.join()
    assert len(log.points) == count


def test_samples_are_averaged_into_one_point(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(1000))
    monkeypatch.setattr(Gauges, "read", lambda _: {"cpu_utilization_percentage": next(numbers)})
    monitor = SystemMetricsMonitor(log, interval=0.001, samples=4)
    monitor.start()
    log.wait_for(2)
    monitor.stop()
    assert [metrics["system/cpu_utilization_percentage"] for metrics, _ in log.points[:2]] == [
        1.5,
        5.5,
    ]


def test_a_metric_that_comes_and_goes_is_averaged_over_what_there_is(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = iter([{"a": 1.0}, {"b": 2.0}, {"a": 3.0, "b": 4.0}])
    monkeypatch.setattr(Gauges, "read", lambda _: next(samples))
    monitor = SystemMetricsMonitor(log, interval=0.001, samples=3)
    monitor.start()
    log.wait_for(1)
    assert log.points[0][0] == {"system/a": 2.0, "system/b": 3.0}
    monitor.stop()


def test_a_run_shorter_than_the_interval_still_has_a_point(log: Log) -> None:
    monitor = SystemMetricsMonitor(log, interval=3600)
    monitor.start()
    monitor.stop(timeout=30)
    assert log.steps == [0]


def test_steps_go_on_after_those_of_a_resumed_run(log: Log) -> None:
    monitor = SystemMetricsMonitor(log, interval=0.001, resume_step=17)
    monitor.start()
    log.wait_for(2)
    monitor.stop()
    assert log.steps[:2] == [17, 18]


def test_the_node_is_part_of_the_names(log: Log) -> None:
    set_system_metrics_node_id("rank-3")
    monitor = SystemMetricsMonitor(log, interval=0.001)
    monitor.start()
    log.wait_for(1)
    monitor.stop()
    assert "system/rank-3/cpu_utilization_percentage" in log.points[0][0]


def test_settings_give_the_defaults_and_the_environment_sets_them(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = SystemMetricsMonitor(log)
    assert (monitor._interval, monitor._samples) == (10, 1)
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "2.5")
    monkeypatch.setenv("CHIPLOG_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "3")
    monitor = SystemMetricsMonitor(log)
    assert (monitor._interval, monitor._samples) == (2.5, 3)
    set_system_metrics_sampling_interval(0.5)
    set_system_metrics_samples_before_logging(2)
    monitor = SystemMetricsMonitor(log)
    assert (monitor._interval, monitor._samples) == (0.5, 2)
    set_system_metrics_sampling_interval(None)
    assert SystemMetricsMonitor(log)._interval == 10


def test_the_switch_is_off_until_it_is_turned_and_start_run_has_the_last_word() -> None:
    assert not is_system_metrics_logging_enabled()
    enable_system_metrics_logging()
    assert is_system_metrics_logging_enabled()
    assert os.environ["MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"] == "true"
    assert not is_system_metrics_logging_enabled(log_system_metrics=False)
    disable_system_metrics_logging()
    assert not is_system_metrics_logging_enabled()
    assert is_system_metrics_logging_enabled(log_system_metrics=True)


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf"), True])
def test_an_interval_that_is_none_is_refused_by_value(interval: float) -> None:
    with pytest.raises(InvalidValue, match=repr(interval)):
        set_system_metrics_sampling_interval(interval)


@pytest.mark.parametrize("samples", [0, 1.5, -2])
def test_a_number_of_samples_that_is_none_is_refused_by_value(samples: float) -> None:
    with pytest.raises(InvalidValue, match=repr(samples)):
        set_system_metrics_samples_before_logging(samples)  # type: ignore[arg-type]


def test_a_forked_child_does_not_sample_and_can_stop(log: Log) -> None:
    monitor = SystemMetricsMonitor(log, interval=0.005)
    monitor.start()
    log.wait_for(1)
    pid = os.fork()
    if pid == 0:
        monitor.stop()
        alive = monitor._thread is not None and monitor._thread.is_alive()
        os._exit(1 if alive else 0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    log.wait_for(len(log.points) + 2)
    monitor.stop()


def test_a_log_that_fails_ends_the_sampling_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(metrics: dict[str, float], step: int) -> None:
        raise ValueError(f"no place for step {step}")

    monitor = SystemMetricsMonitor(refuse, interval=0.001)
    monitor.start()
    assert monitor._thread is not None
    monitor._thread.join(30)
    assert not monitor._thread.is_alive()
    assert "no place for step 0" in caplog.text
    monitor.stop()


def test_without_nvml_there_are_no_gpu_metrics() -> None:
    try:
        import pynvml  # noqa: F401
    except ImportError:
        assert NvidiaGauge.open() is None
    else:
        pytest.skip("NVML's binding is installed")
