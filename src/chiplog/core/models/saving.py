"""Saving models: to a plain path, and into a run as a logged model."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from chiplog.core import experiments, logged_models
from chiplog.core.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from chiplog.core.errors import AlreadyExists, InvalidValue
from chiplog.core.models import environment, examples
from chiplog.core.models.model import FILE, Model, ModelInfo
from chiplog.core.models.signature import ModelSignature, infer_signature
from chiplog.core.runs.active import current_writer, local, store_uri
from chiplog.core.runs.writer import now_ms
from chiplog.hooks.guard import quiet
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from chiplog.core.models.flavor import Flavor
    from chiplog.core.runs.writer import RunWriter


@dataclass(frozen=True)
class ModelContent:
    """What goes into a model's directory.

    Attributes:
        model: the object itself.
        options: the flavor's own arguments.
        conda_env, pip_requirements, extra_pip_requirements: what the environment files say, where
            the caller knows better than the model's own references.
        code_paths: files and folders that are copied along and importable when it is loaded.
    """

    model: Any
    signature: ModelSignature | None = None
    input_example: Any = None
    metadata: dict[str, Any] | None = None
    conda_env: str | dict[str, Any] | None = None
    pip_requirements: str | Sequence[str] | None = None
    extra_pip_requirements: str | Sequence[str] | None = None
    code_paths: Sequence[str | Path] | None = None
    extra_files: Sequence[str | Path] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def save_model(
    flavor: Flavor, content: ModelContent, path: str | Path, mlmodel: Model | None = None
) -> Model:
    """Write a model's directory; raises AlreadyExists if it is there and not empty."""
    directory = Path(path)
    if directory.exists() and any(directory.iterdir()):
        raise AlreadyExists(
            f"The path {str(directory)!r} exists and is not empty; give another one, or remove it."
        )
    directory.mkdir(parents=True, exist_ok=True)
    mlmodel = mlmodel or Model()
    saved = flavor.save(content.model, directory, content.options)
    code = _copy_code(content.code_paths, directory)
    for extra in content.extra_files or ():
        _copy(Path(extra), directory / "extra_files")
    if saved.python_function is not None:
        mlmodel.add_flavor(
            "python_function",
            {
                "env": dict(environment.ENV),
                "python_version": platform.python_version(),
                **({"code": code} if code else {}),
                **saved.python_function,
            },
        )
    mlmodel.add_flavor(flavor.name, {**saved.settings, "code": code})
    mlmodel.signature = content.signature
    if content.input_example is not None:
        _write_example(flavor, content, directory, mlmodel)
    if content.metadata is not None:
        mlmodel.metadata = content.metadata
    environment.write_environment(
        directory,
        saved.modules,
        conda_env=content.conda_env,
        pip_requirements=content.pip_requirements,
        extra_pip_requirements=content.extra_pip_requirements,
    )
    files = (file for file in directory.rglob("*") if file.is_file())
    mlmodel.model_size_bytes = sum(file.stat().st_size for file in files)
    mlmodel.save(directory / FILE)
    return mlmodel


def _write_example(
    flavor: Flavor, content: ModelContent, directory: Path, mlmodel: Model
) -> None:
    encoded = examples.encode_example(content.input_example)
    (directory / examples.FILE).write_text(encoded.text, encoding="utf-8")
    (directory / examples.SERVING_FILE).write_text(encoded.serving_text, encoding="utf-8")
    mlmodel.saved_input_example_info = encoded.info
    if mlmodel.signature is None:
        data, params = content.input_example, None
        if isinstance(data, tuple):
            data, params = data
        with quiet("Reading a signature off the input example"):
            given = flavor.predict(content.model, data, content.options)
            mlmodel.signature = infer_signature(data, given, params)


def _copy_code(paths: Sequence[str | Path] | None, directory: Path) -> str | None:
    if not paths:
        return None
    for path in paths:
        _copy(Path(path), directory / "code")
    return "code"


def _copy(source: Path, folder: Path) -> None:
    if not source.exists():
        raise InvalidValue(f"There is no file or folder {str(source)!r} to save with the model.")
    folder.mkdir(exist_ok=True)
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(source, folder / source.name, ignore=ignored)
    else:
        shutil.copy2(source, folder / source.name)


@dataclass(frozen=True)
class ModelEntry:
    """How a logged model is entered: its name, and what is said about it.

    Attributes:
        params: further parameters; the run's own are added, and win.
        step: the step of the run at which the model was made.
    """

    name: str = "model"
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    model_type: str | None = None
    step: int = 0


def log_model(
    flavor: Flavor, content: ModelContent, entry: ModelEntry, writer: RunWriter | None
) -> ModelInfo:
    """Save a model as one of ``writer``'s run, or of no run; READY when its files are complete.

    If saving fails the model is marked FAILED, and the error reaches the caller.
    """
    uri = writer.store_uri if writer else store_uri()
    params = {**entry.params, **(writer.params if writer else {})}
    logged = logged_models.create(
        uri,
        writer.experiment_id if writer else experiments.active_id(uri),
        name=entry.name,
        source_run_id=writer.run_id if writer else None,
        tags=entry.tags,
        params=params,
        model_type=entry.model_type,
    )
    mlmodel = Model(
        artifact_path=logged.artifact_location,
        run_id=logged.source_run_id,
        model_id=logged.model_id,
        model_uuid=logged.model_id,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="chiplog-model-") as directory:
            save_model(flavor, content, directory, mlmodel)
            logged_models.model_artifacts(logged).put_directory(Path(directory), None)
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        logged_models.record(uri, _finished(logged, LoggedModelStatus.FAILED, reason))
        raise
    logged = _finished(logged, LoggedModelStatus.READY, None)
    logged_models.record(uri, logged)
    if writer is not None:
        writer.log_outputs([LoggedModelOutput(logged.model_id, entry.step)])
    plugins().hook.chiplog_model_logged(model=logged)
    return mlmodel.get_model_info(logged)


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
    """Give the model those of the run's metrics at ``step`` that belong to no model yet."""
    if not writer.has_metrics:
        return
    for metric in writer.read().data.latest_metrics:
        if metric.step == step and metric.model_id is None:
            writer.log_metric(metric.key, metric.value, step, metric.timestamp, model_id)


def _finished(logged: LoggedModel, status: str, message: str | None) -> LoggedModel:
    return msgspec.structs.replace(
        logged, status=status, status_message=message, last_updated_timestamp=now_ms()
    )
