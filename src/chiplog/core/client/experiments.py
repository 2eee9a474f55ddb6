"""The client's methods on experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core import experiments
from chiplog.core.entities import Experiment, ViewType
from chiplog.core.runs.reading import readable_store

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from chiplog.core.entities import Page
    from chiplog.core.stores import TrackingStore


class ExperimentMethods:
    """Creating, finding, changing and deleting experiments."""

    tracking_uri: str

    def _store(self) -> TrackingStore:
        return readable_store(self.tracking_uri)

    def create_experiment(
        self,
        name: str,
        artifact_location: str | os.PathLike[str] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """Create an experiment and hand back its id; raises AlreadyExists."""
        return experiments.create(self.tracking_uri, name, artifact_location, tags)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment of that id, deleted ones included; raises NotFound."""
        return experiments.read(self.tracking_uri, experiment_id)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of that name, deleted ones included, or None."""
        return self._store().get_experiment_by_name(name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        """A page of experiments; its ``token`` asks for the next one."""
        return self._store().search_experiments(
            view_type, max_results or 1000, filter_string, order_by, page_token
        )

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an active experiment another name."""
        experiments.rename(self.tracking_uri, str(experiment_id), new_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Put an experiment and all its runs in the bin."""
        experiments.delete(self.tracking_uri, experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Take an experiment and all its runs out of the bin."""
        experiments.restore(self.tracking_uri, experiment_id)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set or replace a tag of an experiment."""
        experiments.set_tags(self.tracking_uri, str(experiment_id), {key: value})

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment; raises NotFound if it has none of that name."""
        experiments.delete_tag(self.tracking_uri, str(experiment_id), key)
