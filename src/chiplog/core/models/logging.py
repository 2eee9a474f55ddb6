"""Logging a model: its record, its files where the experiment keeps them, and the run's output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from chiplog.core import experiments, logged_models
from chiplog.core.artifacts.linking import staged
from chiplog.core.clock import now_ms
from chiplog.core.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from chiplog.core.models.model import Model, ModelInfo
from chiplog.core.models.saving import ModelContent, save_model
from chiplog.core.runs.active import current_writer, local, store_uri
from chiplog.hooks.guard import quiet
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.models.flavor import Flavor
    from chiplog.core.runs.writer import RunWriter


@dataclass(frozen=True)
class ModelEntry:
    """How a logged model is entered: its name, and what is said about it.

    Attributes:
        params: further parameters; the run's own are added, and win.
        step: the step of the run at which the model was made.
        model_id: a logged model that exists, and gets the files; it keeps its name.
    """

    name: str = "model"
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    model_type: str | None = None
    step: int = 0
    model_id: str | None = None


def log_model(
    flavor: Flavor, content: ModelContent, entry: ModelEntry, writer: RunWriter | None
) -> ModelInfo:
    """Save a model as one of ``writer``'s run, or of no run; READY when its files are complete.

    If saving fails the model is marked FAILED, unless it was READY before, and the error reaches
    the caller.
    """
    uri = writer.store_uri if writer else store_uri()
    logged = _entered(uri, entry, writer)
    mlmodel = Model(
        artifact_path=logged.artifact_location,
        run_id=logged.source_run_id or (writer.run_id if writer else None),
        model_id=logged.model_id,
        model_uuid=logged.model_id,
    )
    try:
        with staged(logged_models.model_artifacts(uri, logged)) as directory:
            save_model(flavor, content, directory, mlmodel)
    except BaseException as error:
        if logged.status != LoggedModelStatus.READY:
            reason = f"{type(error).__name__}: {error}"
            logged_models.record(uri, _finished(logged, LoggedModelStatus.FAILED, reason))
        raise
    logged = _finished(logged, LoggedModelStatus.READY, None)
    logged_models.record(uri, logged)
    if writer is not None:
        writer.log_outputs([LoggedModelOutput(logged.model_id, entry.step)])
    plugins().hook.chiplog_model_logged(model=logged)
    return mlmodel.get_model_info(logged)


def _entered(uri: str, entry: ModelEntry, writer: RunWriter | None) -> LoggedModel:
    """The record of the model that is to be saved: a new one, or the one it names."""
    if entry.model_id is not None:
        if entry.params:
            logged_models.log_params(uri, entry.model_id, entry.params)
        if entry.tags:
            logged_models.set_tags(uri, entry.model_id, entry.tags)
        return logged_models.get(uri, entry.model_id)
    return logged_models.create(
        uri,
        writer.experiment_id if writer else experiments.active_id(uri),
        name=entry.name,
        source_run_id=writer.run_id if writer else None,
        tags=entry.tags,
        params={**entry.params, **(writer.params if writer else {})},
        model_type=entry.model_type,
    )


def log_into_current_run(flavor: Flavor, content: ModelContent, entry: ModelEntry) -> ModelInfo:
    """Save a model into the active run, if there is one; metrics of its step become the model's."""
    writer = current_writer()
    info = log_model(flavor, content, entry, writer)
    local.last_model_id = info.model_id
    if writer is not None:
        with quiet("Copying the run's metrics to the model"):
            _adopt_metrics(writer, str(info.model_id), entry.step)
    return info


def _adopt_metrics(writer: RunWriter, model_id: str, step: int) -> None:
    """Give the model those of the run's metrics at ``step`` that belong to no model yet.

    They are kept with the model; the run's own history stays as it is.
    """
    if not writer.has_metrics:
        return
    metrics = [
        msgspec.structs.replace(metric, model_id=model_id, run_id=writer.run_id)
        for metric in writer.read().data.latest_metrics
        if metric.step == step and metric.model_id is None
    ]
    if metrics:
        logged_models.change(writer.store_uri, model_id, metrics=metrics)


def _finished(logged: LoggedModel, status: str, message: str | None) -> LoggedModel:
    return msgspec.structs.replace(
        logged, status=status, status_message=message, last_updated_timestamp=now_ms()
    )
