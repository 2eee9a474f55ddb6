"""What can be read off the machine. Megabytes are 10⁶ bytes, network traffic is since the start.

Every gauge stands for itself: one that cannot be read is left out of the sample.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_MEGABYTE = 1e6


class Gauges:
    """Reads processors, memory, disk, network and NVIDIA GPUs."""

    def __init__(self) -> None:
        self._gpus = NvidiaGauge.open()
        self._received = self._sent = 0
        with contextlib.suppress(Exception):
            start = psutil.net_io_counters()
            self._received, self._sent = start.bytes_recv, start.bytes_sent
        self._sources: list[Callable[[], dict[str, float]]] = [
            _processors,
            _memory,
            _disk,
            self._network,
        ]
        if self._gpus is not None:
            self._sources.append(self._gpus.read)
        with contextlib.suppress(Exception):
            psutil.cpu_percent(interval=None)  # the next reading is since this one

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._gpus is not None:
            self._gpus.close()

    def read(self) -> dict[str, float]:
        """One sample: metric name to value."""
        sample: dict[str, float] = {}
        for source in self._sources:
            with contextlib.suppress(Exception):  # a container may hide any of them
                sample.update(source())
        return sample

    def _network(self) -> dict[str, float]:
        now = psutil.net_io_counters()
        return {
            "network_receive_megabytes": (now.bytes_recv - self._received) / _MEGABYTE,
            "network_transmit_megabytes": (now.bytes_sent - self._sent) / _MEGABYTE,
        }


def _processors() -> dict[str, float]:
    return {"cpu_utilization_percentage": psutil.cpu_percent(interval=None)}


def _memory() -> dict[str, float]:
    memory = psutil.virtual_memory()
    return {
        "system_memory_usage_megabytes": memory.used / _MEGABYTE,
        "system_memory_usage_percentage": memory.percent,
    }


def _disk() -> dict[str, float]:
    disk = psutil.disk_usage(os.sep)
    return {
        "disk_usage_percentage": disk.percent,
        "disk_usage_megabytes": disk.used / _MEGABYTE,
        "disk_available_megabytes": disk.free / _MEGABYTE,
    }


class NvidiaGauge:
    """Reads NVIDIA GPUs through NVML, where the user has its Python binding and a driver."""

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._devices = [
            nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())
        ]

    @classmethod
    def open(cls) -> NvidiaGauge | None:
        """The gauge, or None where there is no GPU to read."""
        try:
            import pynvml

            pynvml.nvmlInit()
            gauge = cls(pynvml)
        except Exception:  # no binding, no driver, no permission: no GPU metrics
            return None
        return gauge if gauge._devices else None

    def read(self) -> dict[str, float]:
        """A sample of every device; what a device does not tell is left out."""
        sample: dict[str, float] = {}
        for index, device in enumerate(self._devices):
            for read in (self._memory, self._utilization, self._power):
                with contextlib.suppress(Exception):
                    sample.update(
                        {f"gpu_{index}_{key}": value for key, value in read(device).items()}
                    )
        return sample

    def close(self) -> None:
        """Let go of the driver."""
        with contextlib.suppress(Exception):
            self._nvml.nvmlShutdown()

    def _memory(self, device: Any) -> dict[str, float]:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(device)
        return {
            "memory_usage_percentage": round(100 * memory.used / memory.total, 1),
            "memory_usage_megabytes": memory.used / _MEGABYTE,
        }

    def _utilization(self, device: Any) -> dict[str, float]:
        return {
            "utilization_percentage": float(self._nvml.nvmlDeviceGetUtilizationRates(device).gpu)
        }

    def _power(self, device: Any) -> dict[str, float]:
        watts = self._nvml.nvmlDeviceGetPowerUsage(device) / 1000
        limit = self._nvml.nvmlDeviceGetEnforcedPowerLimit(device) / 1000
        return {"power_usage_watts": watts, "power_usage_percentage": 100 * watts / limit}
