"""The client: every run, experiment and model by its id, in any store."""

from chiplog.core.client import ChiplogClient, MlflowClient, TrackingClient

__all__ = ["ChiplogClient", "MlflowClient", "TrackingClient"]
