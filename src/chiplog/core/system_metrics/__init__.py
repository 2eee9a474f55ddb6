"""Samples what the machine does while a run is active: processors, memory, disk, network, GPUs."""

from chiplog.core.system_metrics.monitor import SystemMetricsMonitor
from chiplog.core.system_metrics.settings import (
    disable_system_metrics_logging,
    enable_system_metrics_logging,
    is_system_metrics_logging_enabled,
    set_system_metrics_node_id,
    set_system_metrics_samples_before_logging,
    set_system_metrics_sampling_interval,
)

__all__ = [
    "SystemMetricsMonitor",
    "disable_system_metrics_logging",
    "enable_system_metrics_logging",
    "is_system_metrics_logging_enabled",
    "set_system_metrics_node_id",
    "set_system_metrics_samples_before_logging",
    "set_system_metrics_sampling_interval",
]
