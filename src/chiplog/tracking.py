"""Where runs are kept, and the client that reads and records them."""

from chiplog.core.client import ChiplogClient, MlflowClient, TrackingClient
from chiplog.core.location import is_tracking_uri_set, set_tracking_uri
from chiplog.core.registry_uri import get_registry_uri, set_registry_uri
from chiplog.core.runs.active import store_uri as get_tracking_uri

__all__ = [
    "ChiplogClient",
    "MlflowClient",
    "TrackingClient",
    "get_registry_uri",
    "get_tracking_uri",
    "is_tracking_uri_set",
    "set_registry_uri",
    "set_tracking_uri",
]
