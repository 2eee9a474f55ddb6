"""Logged models: the calls on the active run, and the model that metrics belong to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from chiplog.core import experiments, logged_models
from chiplog.core.entities import LoggedModel, LoggedModelStatus
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.fluent.runs import pandas_is_there
from chiplog.core.runs import active
from chiplog.core.runs.active import local

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self


class ActiveModel(LoggedModel, dict=True):
    """The logged model that metrics belong to; in a ``with`` statement, until the block is left."""

    before: ClassVar[str | None] = None  # of each object its own, yet no field of the model's

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        active.set_active_model_id(self.before)


def initialize_logged_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Create a logged model whose files are still to come; see :func:`finalize_logged_model`.

    It belongs to the active run, if there is one, unless ``source_run_id`` names another.
    """
    uri = active.store_uri()
    current = active.current()
    if source_run_id is None and current is not None:
        source_run_id = current.run.info.run_id
        experiment_id = experiment_id or current.run.info.experiment_id
    model = logged_models.create(
        uri,
        experiment_id or experiments.active_id(uri),
        name=name,
        source_run_id=source_run_id,
        tags=tags,
        params=params,
        model_type=model_type,
    )
    local.last_model_id = model.model_id
    return model


def create_external_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Create a logged model whose files lie elsewhere; it is READY, and cannot be loaded."""
    model = initialize_logged_model(
        name,
        source_run_id,
        {**(tags or {}), logged_models.EXTERNAL_TAG: "true"},
        params,
        model_type,
        experiment_id,
    )
    return logged_models.finalize_external(active.store_uri(), model)


def finalize_logged_model(model_id: str, status: str) -> LoggedModel:
    """Record that a model's files are complete (``"READY"``) or never will be (``"FAILED"``)."""
    return logged_models.finalize(active.store_uri(), model_id, status)


def get_logged_model(model_id: str) -> LoggedModel:
    """The logged model of that id; raises NotFound."""
    return logged_models.get(active.store_uri(), model_id)


def last_logged_model() -> LoggedModel | None:
    """The model that was logged last in this thread, or None."""
    return get_logged_model(local.last_model_id) if local.last_model_id else None


def search_logged_models(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, str]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Any] | None = None,
    output_format: str = "pandas",
) -> Any:
    """Find logged models, as a pandas DataFrame; without pandas, or for ``"list"``, a list."""
    if output_format not in {"pandas", "list"}:
        raise InvalidValue(
            f"Unsupported output format: {output_format!r}; give 'pandas' or 'list'."
        )
    uri = active.store_uri()
    ids = experiment_ids or [experiments.active_id(uri)]
    models = logged_models.search_all(uri, ids, filter_string, datasets, max_results, order_by)
    if output_format == "list" or not pandas_is_there("search_logged_models"):
        return models
    from chiplog.core.fluent.frames import frame_of_models

    return frame_of_models(models)


def log_model_params(params: Mapping[str, Any], model_id: str | None = None) -> None:
    """Record params of a logged model, the active one unless ``model_id`` names another."""
    wanted = model_id or active.active_model_id()
    if wanted is None:
        raise InvalidValue("No model is active: give model_id, or call set_active_model() first.")
    logged_models.log_params(active.store_uri(), wanted, params)


def set_logged_model_tags(model_id: str, tags: Mapping[str, Any]) -> None:
    """Set or replace tags of a logged model."""
    logged_models.set_tags(active.store_uri(), model_id, tags)


def delete_logged_model_tag(model_id: str, key: str) -> None:
    """Remove a tag of a logged model; raises NotFound if it has none of that name."""
    logged_models.delete_tag(active.store_uri(), model_id, key)


def set_active_model(*, name: str | None = None, model_id: str | None = None) -> ActiveModel:
    """Choose the model that this thread's metrics belong to.

    Of several models of one ``name`` in the active experiment it is the newest; of none, an
    external one is created.
    """
    if name is None and model_id is None:
        raise InvalidValue("Give the name or the model_id of the model to make active.")
    model = get_logged_model(model_id) if model_id is not None else _by_name(str(name))
    if name is not None and model.name != name:
        raise InvalidValue(f"Logged model {model_id!r} is named {model.name!r}, not {name!r}.")
    before = active.active_model_id()
    active.set_active_model_id(model.model_id)
    chosen = ActiveModel(**msgspec.structs.asdict(model))
    vars(chosen)["before"] = before
    return chosen


def get_active_model_id() -> str | None:
    """The id of the model that this thread's metrics belong to, or None."""
    return active.active_model_id()


def clear_active_model() -> None:
    """Let this thread's metrics belong to no model."""
    active.set_active_model_id(None)


def import_checkpoints(
    checkpoint_path: str,
    source_run_id: str | None = None,
    model_prefix: str | None = None,
    overwrite_checkpoints: bool = False,
) -> list[LoggedModel]:
    """Record each sub-folder of a checkpoint folder as an external model; hands them back.

    One whose name is taken already is left out, or replaced with ``overwrite_checkpoints``.
    """
    folder = Path(checkpoint_path)
    if not folder.is_dir():
        raise NotFound(f"The checkpoint folder {checkpoint_path!r} does not exist.")
    models = []
    for checkpoint in sorted(path for path in folder.iterdir() if path.is_dir()):
        name = f"{model_prefix or ''}{checkpoint.name}"
        existing = _newest(name)
        if existing is not None and not overwrite_checkpoints:
            continue
        if existing is not None:
            finalize_logged_model(existing.model_id, LoggedModelStatus.FAILED)
        tags = {"original_artifact_path": str(checkpoint.absolute())}
        models.append(create_external_model(name, source_run_id, tags))
    return models


def _by_name(name: str) -> LoggedModel:
    return _newest(name) or create_external_model(name)


def _newest(name: str) -> LoggedModel | None:
    uri = active.store_uri()
    quoted = name.replace("'", "''")
    found = logged_models.search(
        uri, [experiments.active_id(uri)], f"name = '{quoted}'", max_results=1
    )
    return found[0] if found else None
