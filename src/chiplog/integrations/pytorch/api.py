"""What ``chiplog.pytorch`` offers: autologging, watching, and saving and loading modules."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.models import loading, safety
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.core.models.model import FILE
from chiplog.core.models.safety import Trust
from chiplog.core.runs import active
from chiplog.core.runs.reading import readable_store
from chiplog.integrations.pytorch.exporting import as_arrays, as_tensors
from chiplog.integrations.pytorch.flavor import PytorchFlavor, state_of
from chiplog.integrations.pytorch.watch import unwatch, watch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = [
    "autolog",
    "load_model",
    "load_state_dict",
    "log_model",
    "log_state_dict",
    "save_model",
    "save_state_dict",
    "unwatch",
    "watch",
]

STATE_FILE: Final = "state_dict.pth"

autolog = flavor_autolog("pytorch")


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The flavor's options among the arguments."""
    return {
        "serialization_format": "pt2" if given["export_model"] else given["serialization_format"],
        "example": given["example"],
        "pickle_module": given["pickle_module"],
    }


def _with_arrays(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the input example as arrays, and as tensors to export with."""
    example = given["input_example"]
    if example is None:
        return {**given, "example": None}
    return {**given, "input_example": as_arrays(example), "example": as_tensors(example)}


_models = FlavorModule(PytorchFlavor(), "pytorch_model", _options)


def save_model(  # noqa: D417 - MLflow's signature
    pytorch_model: Any,
    path: str | Path,
    conda_env: str | dict[str, Any] | None = None,
    mlflow_model: Model | None = None,
    code_paths: Sequence[str | Path] | None = None,
    pickle_module: Any = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    extra_files: Sequence[str | Path] | None = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    export_model: bool = False,
    serialization_format: str | None = None,
) -> None:
    """Save a module into the directory ``path``, in MLflow's format.

    Args:
        pytorch_model: the module.
        path: a directory that does not exist yet, or is empty.
        pickle_module: what pickles, with ``serialization_format="pickle"``.
        signature: what the model takes and gives; found out with ``input_example`` if that is
            given.
        input_example: an input: a tensor, an array, a tuple of several, or a dict by name.
        export_model: an older way to ask for ``"pt2"``.
        serialization_format: ``"pt2"``, an exported program, which computes without the module's
            code and is the default if there is an ``input_example``; ``"safetensors"``, the state
            alone, else; ``"pickle"``, which must be trusted when it is loaded.
    """
    _models.save(_with_arrays(locals()))


def log_model(
    pytorch_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    pickle_module: Any = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
    extra_files: Sequence[str | Path] | None = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    export_model: bool = False,
    serialization_format: str | None = None,
) -> ModelInfo:
    """Save a module into the active run, or beside the runs if there is none.

    ``name`` is the model's name (``"model"`` unless given); ``artifact_path`` is its old spelling.
    The rest is as in :func:`save_model`. Hands back where it lies: ``info.model_uri`` loads it.
    """
    return _models.log(_with_arrays(locals()))


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    *,
    model: Any = None,
    allow_pickle: bool | None = None,
    trusted_types: Sequence[str] = (),
) -> Any:
    """Load a module; nothing is unpickled or trusted that you did not say so of.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.
        model: a module of yours to put the saved state into; it is handed back.
        allow_pickle: read a pickle, which runs whatever code it holds.
        trusted_types: full names of classes whose code may run, such as the one a state was saved
            of.

    Raises:
        UntrustedModel: it asks for more trust than it was given; the text names what for.
        DamagedModel: its file is inconsistent.
    """
    trust = Trust(allow_pickle, tuple(trusted_types))
    if model is None:
        return loading.load_model("pytorch", model_uri, trust, dst_path)
    model.load_state_dict(_state(loading.local_directory(model_uri, dst_path), trust))
    return model


def save_state_dict(state_dict: Mapping[str, Any], path: str | Path, **kwargs: Any) -> None:
    """Save a state dict, of modules or optimizers, as ``state_dict.pth`` in the directory ``path``.

    ``kwargs`` go to ``torch.save``.
    """
    import torch

    if not isinstance(state_dict, dict):
        raise InvalidValue(
            f"{state_dict!r:.100} is no state dict but a {type(state_dict).__name__}; give what "
            "model.state_dict() hands back."
        )
    directory = Path(path)
    directory.mkdir(parents=True, exist_ok=True)
    torch.save(state_dict, directory / STATE_FILE, **kwargs)


def log_state_dict(state_dict: Mapping[str, Any], artifact_path: str, **kwargs: Any) -> None:
    """Store a state dict as an artifact of the active run; starts one if there is none."""
    from chiplog.core.fluent.artifacts import log_artifacts

    with tempfile.TemporaryDirectory(prefix="chiplog-state-") as directory:
        save_state_dict(state_dict, directory, **kwargs)
        log_artifacts(directory, artifact_path)


def load_state_dict(
    state_dict_uri: str | Path, *, allow_pickle: bool | None = None, **kwargs: Any
) -> dict[str, Any]:
    """Load a state dict that was saved by itself, or the state of a saved model.

    Args:
        state_dict_uri: ``runs:/<run id>/<artifact path>``, the URI of a model, or a path.
        allow_pickle: read what is more than tensors and plain values, and may run code.
        kwargs: for ``torch.load``; ``map_location`` is one.
    """
    return _state(_directory(str(state_dict_uri)), Trust(allow_pickle), kwargs.get("map_location"))


def _directory(uri: str) -> Path:
    """Where a state lies: the directory of a model, or of files that are none."""
    try:
        return loading.local_directory(uri)
    except NotFound:
        run_id, _, path = uri.removeprefix("runs:/").strip("/").partition("/")
        if not uri.startswith("runs:/") or not path:
            raise
    root = readable_store(active.store_uri()).get_run(run_id).info.artifact_uri or ""
    return loading.local_directory(f"{root.rstrip('/')}/{path}")


def _state(directory: Path, trust: Trust, map_location: Any = None) -> dict[str, Any]:
    state: dict[str, Any]
    if (directory / FILE).is_file():
        return state_of(directory, loading.open_model(directory).settings("pytorch"), trust)
    file = directory / STATE_FILE
    if not file.is_file():
        raise NotFound(f"{str(directory)!r} holds neither a model nor a {STATE_FILE}.")
    state = safety.read_torch(file, trust, map_location)
    return state
