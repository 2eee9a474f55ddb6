"""Saving a model into a directory, in MLflow's format."""

from __future__ import annotations

import logging
import platform
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chiplog.core.errors import AlreadyExists, InvalidValue
from chiplog.core.models import digests, environment, examples
from chiplog.core.models.flavor import PYTHON_FUNCTION, predict_with
from chiplog.core.models.model import FILE, Model
from chiplog.core.models.signature import infer_signature
from chiplog.hooks.guard import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.models.flavor import Flavor
    from chiplog.core.models.signature import ModelSignature

_log = logging.getLogger("chiplog")
_said: set[tuple[str, ...]] = set()


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
    """Write a model's directory; raises AlreadyExists if it is there and not empty.

    If that fails, the directory is as it was before: empty, or not there.
    """
    directory = Path(path)
    was_there = directory.exists()
    if was_there and any(directory.iterdir()):
        raise AlreadyExists(
            f"The path {str(directory)!r} exists and is not empty; give another one, or remove it."
        )
    directory.mkdir(parents=True, exist_ok=True)
    try:
        return _write(flavor, content, directory, mlmodel or Model())
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        if was_there:
            directory.mkdir(exist_ok=True)
        raise


def _write(flavor: Flavor, content: ModelContent, directory: Path, mlmodel: Model) -> Model:
    """Write everything into the directory of a model, which is there and empty."""
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
    if flavor.name != PYTHON_FUNCTION:
        mlmodel.add_flavor(flavor.name, {**saved.settings, "code": code})
    mlmodel.signature = content.signature or saved.hinted
    if content.signature is None and saved.hinted is not None:
        mlmodel.extra["is_signature_from_type_hint"] = True
    if content.input_example is not None:
        _write_example(flavor, content, directory, mlmodel)
        if saved.takes_example_form and _is_rows(content.input_example):
            mlmodel.extra["type_hint_from_example"] = True
    if content.metadata is not None:
        mlmodel.metadata = content.metadata
    notes = environment.write_environment(
        directory,
        saved.modules,
        conda_env=content.conda_env,
        pip_requirements=content.pip_requirements,
        extra_pip_requirements=content.extra_pip_requirements,
        code_paths=content.code_paths,
    )
    # A state alone is put into a module that its user makes, and needs no class to be found.
    mlmodel.notes = saved.notes + (notes if saved.python_function is not None else ())
    _say_once(content.model, mlmodel.notes)
    mlmodel.extra[digests.KEY] = digests.digests_of(directory)
    files = (file for file in directory.rglob("*") if file.is_file())
    mlmodel.model_size_bytes = sum(file.stat().st_size for file in files)
    mlmodel.save(directory / FILE)
    return mlmodel


def _say_once(model: object, notes: tuple[str, ...]) -> None:
    """Warn of what loading needs, once in this process for the same."""
    if notes and notes not in _said:
        _said.add(notes)
        _log.warning("The %s was saved, and %s.", type(model).__name__, "; ".join(notes))


def _write_example(flavor: Flavor, content: ModelContent, directory: Path, mlmodel: Model) -> None:
    encoded = examples.encode_example(content.input_example)
    (directory / examples.FILE).write_text(encoded.text, encoding="utf-8")
    (directory / examples.SERVING_FILE).write_text(encoded.serving_text, encoding="utf-8")
    mlmodel.saved_input_example_info = encoded.info
    if mlmodel.signature is None:
        data, params = content.input_example, None
        if isinstance(data, tuple):
            data, params = data
        with quiet("Reading a signature off the input example"):
            given = predict_with(flavor, content.model, data, content.options, params)
            mlmodel.signature = infer_signature(data, given, params)


def _is_rows(example: Any) -> bool:
    """Whether an input example is a list or a DataFrame, perhaps with parameters."""
    data = example[0] if isinstance(example, tuple) else example
    return isinstance(data, list) or hasattr(data, "columns")


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
