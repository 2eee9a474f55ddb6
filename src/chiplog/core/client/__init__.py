"""The client: every run, experiment and model by its id, in any store."""

from __future__ import annotations

from pathlib import Path

from chiplog.core.client.artifacts import ArtifactMethods
from chiplog.core.client.experiments import ExperimentMethods
from chiplog.core.client.models import ModelMethods
from chiplog.core.client.runs import RunMethods
from chiplog.core.location import normalise
from chiplog.core.runs import active


class TrackingClient(ExperimentMethods, RunMethods, ArtifactMethods, ModelMethods):
    """Records into and reads from a tracking store, by ids; MLflow's ``MlflowClient``.

    Args:
        tracking_uri: the store; the one in force unless given.
        registry_uri: where registered models are kept.
        workspace_store_uri: taken for MLflow's sake, and not used.
    """

    def __init__(
        self,
        tracking_uri: str | Path | None = None,
        registry_uri: str | None = None,
        workspace_store_uri: str | None = None,
    ) -> None:
        del workspace_store_uri
        self.tracking_uri = active.store_uri() if tracking_uri is None else _uri(tracking_uri)
        self.registry_uri = registry_uri

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tracking_uri={self.tracking_uri!r})"


def _uri(given: str | Path) -> str:
    return normalise(given.absolute().as_uri() if isinstance(given, Path) else str(given))


MlflowClient = TrackingClient
ChiplogClient = TrackingClient
