"""The sampler: one daemon thread per run, away from the training thread."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from chiplog.core.system_metrics import settings
from chiplog.hooks.guard import report

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.system_metrics.gauges import Gauges


class SystemMetricsMonitor:
    """Samples the machine and hands averages to ``log`` until it is stopped.

    Args:
        log: called on the sampler's thread with the metrics (keys with prefix) and their step.
        interval: seconds between samples; the setting by default.
        samples: how many samples are averaged into a point; the setting by default.
        node_id: named in the keys, ``system/<node_id>/…``; the setting by default.
        resume_step: the step of the first point; a resumed run goes on after its highest.
    """

    def __init__(
        self,
        log: Callable[[dict[str, float], int], None],
        interval: float | None = None,
        samples: int | None = None,
        node_id: str | None = None,
        resume_step: int = 0,
    ) -> None:
        self._log = log
        self._interval = settings.sampling_interval(interval)
        self._samples = settings.samples_before_logging(samples)
        node = settings.node_id() if node_id is None else node_id
        self._prefix = f"system/{node}/" if node else "system/"
        self._step = resume_step
        self._pid = os.getpid()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._logging = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to sample; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="chiplog-system-metrics", daemon=True
            )
            self._thread.start()

    def stop(self, timeout: float = 0.05) -> None:
        """End the sampling; ``log`` is not called any more once this returns.

        A run too short for a whole point gets one from what was sampled, if that takes no longer
        than ``timeout`` seconds. In a forked child nothing happens: the parent samples.
        """
        if self._pid != os.getpid() or self._thread is None or self._stopped.is_set():
            return
        self._stopping.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        with self._logging:
            self._stopped.set()

    def _run(self) -> None:
        try:
            from chiplog.core.system_metrics.gauges import Gauges

            with Gauges() as gauges:
                self._sample(gauges)
        except Exception as error:  # the only thing that would see it is the thread's end
            report("Sampling system metrics", error)

    def _sample(self, gauges: Gauges) -> None:
        taken: list[dict[str, float]] = []
        logged = False
        while not self._stopping.wait(self._interval):
            taken.append(gauges.read())
            if len(taken) >= self._samples:
                self._publish(taken)
                taken, logged = [], True
        if not taken and not logged:
            taken.append(gauges.read())
        if taken:
            self._publish(taken)

    def _publish(self, taken: list[dict[str, float]]) -> None:
        averages = {self._prefix + key: value for key, value in _averages(taken).items()}
        with self._logging:
            if not self._stopped.is_set():
                self._log(averages, self._step)
                self._step += 1


def _averages(taken: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each metric over the samples that have it."""
    values: dict[str, list[float]] = {}
    for sample in taken:
        for key, value in sample.items():
            values.setdefault(key, []).append(value)
    return {key: sum(found) / len(found) for key, found in values.items()}
