"""Saving models that their authors write: PythonModels, functions, scripts, loader modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chiplog.core.errors import InvalidValue, MissingFile
from chiplog.core.models.entry import NotImplementedYet
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.core.models.pyfunc.code import python_model_of, read_config
from chiplog.core.models.pyfunc.flavor import PythonFunction, PythonFunctionFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

_models = FlavorModule(PythonFunctionFlavor(), "function")


def save_model(  # noqa: D417 - MLflow's signature
    path: str | Path,
    loader_module: str | None = None,
    data_path: str | Path | None = None,
    code_paths: Sequence[str | Path] | None = None,
    infer_code_paths: bool = False,
    conda_env: str | dict[str, Any] | None = None,
    mlflow_model: Model | None = None,
    python_model: Any = None,
    artifacts: Mapping[str, str] | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    model_config: str | Path | dict[str, Any] | None = None,
    streamable: bool | None = None,
) -> None:
    """Save a model of your own into the directory ``path``, in MLflow's format.

    Give either a ``python_model``, or a ``loader_module`` with a ``data_path``.

    Args:
        path: a directory that does not exist yet, or is empty.
        python_model: the path of a script that calls ``chiplog.models.set_model``, which holds no
            pickle and can be read before it is trusted; or an object of a subclass of
            ``PythonModel``, or a function, which are pickled, and need cloudpickle.
        artifacts: paths or URIs of what the model needs, by name; they are copied into the
            model, which finds them in ``context.artifacts``.
        loader_module: a module whose ``_load_pyfunc(path)`` hands back an object with ``predict``.
        data_path: the file or folder that it reads.
        code_paths: files and folders of code that are saved along and importable when the model is
            loaded.
        signature: what the model takes and gives; read off its type hints, or off
            ``input_example``, if it is not given.
        model_config: settings, or the path of a YAML file with them; the model finds them in
            ``context.model_config``.
        streamable: whether the model has ``predict_stream``; found out if None.
    """
    given = locals()
    _models.save({**given, "function": _function(given)})


def log_model(
    artifact_path: str | None = None,
    loader_module: str | None = None,
    data_path: str | Path | None = None,
    code_paths: Sequence[str | Path] | None = None,
    infer_code_paths: bool = False,
    conda_env: str | dict[str, Any] | None = None,
    python_model: Any = None,
    artifacts: Mapping[str, str] | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    model_config: str | Path | dict[str, Any] | None = None,
    streamable: bool | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
) -> ModelInfo:
    """Save a model of your own into the active run, or beside the runs if there is none.

    ``name`` is the model's name (``"model"`` unless given); ``artifact_path`` is its old spelling.
    The rest is as in :func:`save_model`. Hands back where it lies: ``info.model_uri`` loads it.
    """
    given = locals()
    return _models.log({**given, "function": _function(given)})


def _function(given: Mapping[str, Any]) -> PythonFunction:
    """What is to be saved, from the arguments; raises InvalidValue if they contradict."""
    model, loader = given["python_model"], given["loader_module"]
    if given["infer_code_paths"]:
        raise NotImplementedYet(
            "infer_code_paths=True: name the files and folders with code_paths=[...]."
        )
    if (model is None) == (loader is None):
        raise InvalidValue(
            "Give either python_model or loader_module; "
            + ("both were given." if model is not None else "neither was given.")
        )
    if loader is not None and given["artifacts"]:
        raise InvalidValue("artifacts go with a python_model; a loader_module reads data_path.")
    if model is not None and given["data_path"] is not None:
        raise InvalidValue("data_path goes with a loader_module; a python_model has artifacts.")
    if isinstance(model, (str, Path)):
        _check_script(Path(model))
    elif model is not None:
        model = python_model_of(model)
    return PythonFunction(
        model,
        given["artifacts"],
        read_config(given["model_config"]),
        loader,
        given["data_path"],
        given["streamable"],
    )


def _check_script(script: Path) -> None:
    if not script.is_file():
        raise MissingFile(
            f"python_model={str(script)!r} is taken for the path of a script, and there is no such "
            "file."
        )
    if script.suffix != ".py":
        raise InvalidValue(
            f"python_model={str(script)!r} is not a Python script; its name must end in .py."
        )
