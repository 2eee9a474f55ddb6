"""The client's methods on logged models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chiplog.core import logged_models
from chiplog.core.artifacts.paths import check_directory, join

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.entities import FileInfo, LoggedModel, Page
    from chiplog.core.stores import ArtifactStore


class ModelMethods:
    """Logged models by their ids."""

    tracking_uri: str

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """Create a logged model, whose files are still to come (status PENDING)."""
        return logged_models.create(
            self.tracking_uri,
            experiment_id,
            name=name,
            source_run_id=source_run_id,
            tags=tags,
            params=params,
            model_type=model_type,
        )

    def finalize_logged_model(self, model_id: str, status: str) -> LoggedModel:
        """Record that a model's files are complete (``"READY"``) or will not be (``"FAILED"``)."""
        return logged_models.finalize(self.tracking_uri, model_id, status)

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """The logged model of that id; raises NotFound."""
        return logged_models.get(self.tracking_uri, model_id)

    def delete_logged_model(self, model_id: str) -> None:
        """Put a logged model in the bin; raises NotFound."""
        logged_models.delete(self.tracking_uri, model_id)

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = None,
        datasets: Sequence[Mapping[str, str]] | None = None,
        max_results: int | None = None,
        order_by: Sequence[Any] | None = None,
        page_token: str | None = None,
    ) -> Page[LoggedModel]:
        """A page of logged models, latest first; its ``token`` asks for the next one."""
        return logged_models.search(
            self.tracking_uri,
            experiment_ids,
            filter_string,
            datasets,
            max_results,
            order_by,
            page_token,
        )

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, Any]) -> None:
        """Set or replace tags of a logged model."""
        logged_models.set_tags(self.tracking_uri, model_id, tags)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag of a logged model; raises NotFound if it has none of that name."""
        logged_models.delete_tag(self.tracking_uri, model_id, key)

    def log_model_params(self, model_id: str, params: Mapping[str, Any]) -> None:
        """Record params of a logged model."""
        logged_models.log_params(self.tracking_uri, model_id, params)

    def log_model_artifact(
        self, model_id: str, local_path: str, artifact_path: str | None = None
    ) -> None:
        """Store a local file among a logged model's files."""
        path = Path(local_path)
        target = join(check_directory(artifact_path), path.name)
        self._artifacts(model_id).put_file(path, target)

    def log_model_artifacts(
        self, model_id: str, local_dir: str, artifact_path: str | None = None
    ) -> None:
        """Store the contents of a local directory among a logged model's files."""
        store = self._artifacts(model_id)
        store.put_directory(Path(local_dir), artifact_path)

    def list_logged_model_artifacts(self, model_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies directly in ``path`` among a logged model's files."""
        return self._artifacts(model_id).list(path)

    def _artifacts(self, model_id: str) -> ArtifactStore:
        return logged_models.model_artifacts(self.tracking_uri, self.get_logged_model(model_id))
