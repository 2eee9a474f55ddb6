"""Saving models: to a plain path, and into a run as a logged model."""

from __future__ import annotations

import functools
import platform
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from chiplog.core.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from chiplog.core.errors import AlreadyExists, InvalidValue
from chiplog.core.models import environment, examples
from chiplog.core.models.model import FILE, Model, ModelInfo
from chiplog.core.models.signature import ModelSignature, infer_signature
from chiplog.core.stores import open_artifact_store, open_tracking_store
from chiplog.hooks.guard import quiet
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from chiplog.core.models.flavor import Flavor
    from chiplog.core.runs.writer import RunWriter

_FORBIDDEN: Final = "/:.%\"'"


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


def check_model_name(name: str) -> str:
    """The name if it is allowed, else InvalidValue."""
    if not isinstance(name, str) or not name or any(c in _FORBIDDEN for c in name):
        raise InvalidValue(
            f"The model name {name!r} is not allowed: it is a non-empty text without any of "
            f"{' '.join(_FORBIDDEN)}."
        )
    return name


def log_model(
    flavor: Flavor, content: ModelContent, entry: ModelEntry, writer: RunWriter
) -> ModelInfo:
    """Save a model as one of ``writer``'s run; READY when its files are complete.

    If saving fails the model is marked FAILED, and the error reaches the caller.
    """
    now = time.time_ns() // 1_000_000
    model_id = f"m-{secrets.token_hex(16)}"
    location = f"{_models_folder(writer.store_uri, writer.experiment_id)}/{model_id}/artifacts"
    given = {str(key): str(value) for key, value in entry.params.items()}
    logged = LoggedModel(
        experiment_id=writer.experiment_id,
        model_id=model_id,
        name=check_model_name(entry.name),
        artifact_location=location,
        creation_timestamp=now,
        last_updated_timestamp=now,
        model_type=entry.model_type,
        source_run_id=writer.run_id or None,
        tags={str(key): str(value) for key, value in entry.tags.items()},
        params={**given, **writer.params} if writer.run_id else given,
    )
    writer.record_model(logged)
    mlmodel = Model(
        artifact_path=location,
        run_id=writer.run_id or None,
        model_id=model_id,
        model_uuid=model_id,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="chiplog-model-") as directory:
            save_model(flavor, content, directory, mlmodel)
            open_artifact_store(location).put_directory(Path(directory), None)
    except BaseException as error:
        writer.record_model(
            _finished(logged, LoggedModelStatus.FAILED, f"{type(error).__name__}: {error}")
        )
        raise
    logged = _finished(logged, LoggedModelStatus.READY, None)
    writer.record_model(logged)
    if writer.run_id:
        writer.log_outputs([LoggedModelOutput(model_id, entry.step)])
    plugins().hook.chiplog_model_logged(model=logged)
    return mlmodel.get_model_info(logged)


def _finished(logged: LoggedModel, status: str, message: str | None) -> LoggedModel:
    return msgspec.structs.replace(
        logged,
        status=status,
        status_message=message,
        last_updated_timestamp=time.time_ns() // 1_000_000,
    )


@functools.lru_cache(maxsize=256)
def _models_folder(store_uri: str, experiment_id: str) -> str:
    """Where an experiment's models lie; it never changes."""
    experiment = open_tracking_store(store_uri).get_experiment(experiment_id)
    return f"{experiment.artifact_location.rstrip('/')}/models"
