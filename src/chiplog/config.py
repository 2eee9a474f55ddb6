"""Settings that can be changed while a program runs."""

from chiplog.core.fluent.operations import enable_async_logging
from chiplog.core.location import is_tracking_uri_set, set_tracking_uri
from chiplog.core.registry_uri import get_registry_uri, set_registry_uri
from chiplog.core.runs.active import store_uri as get_tracking_uri
from chiplog.core.system_metrics.settings import (
    disable_system_metrics_logging,
    enable_system_metrics_logging,
    set_system_metrics_node_id,
    set_system_metrics_samples_before_logging,
    set_system_metrics_sampling_interval,
)

__all__ = [
    "disable_system_metrics_logging",
    "enable_async_logging",
    "enable_system_metrics_logging",
    "get_registry_uri",
    "get_tracking_uri",
    "is_tracking_uri_set",
    "set_registry_uri",
    "set_system_metrics_node_id",
    "set_system_metrics_samples_before_logging",
    "set_system_metrics_sampling_interval",
    "set_tracking_uri",
]
