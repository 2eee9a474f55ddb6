"""What ``chiplog.keras`` offers: autologging, a callback, and saving and loading Keras models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models import keras_file
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.integrations.keras.flavor import KerasFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature
    from chiplog.integrations.keras.callbacks import ChiplogCallback

    MlflowCallback = MLflowCallback = ChiplogCallback

__all__ = [
    "ChiplogCallback",
    "MLflowCallback",
    "MlflowCallback",
    "autolog",
    "load_model",
    "log_model",
    "save_model",
]

autolog = flavor_autolog("keras")


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The flavor's options among the arguments."""
    return {
        "save_exported_model": given["save_exported_model"],
        "save_kwargs": given["save_model_kwargs"],
        "allow_code": given["allow_code"],
    }


_models = FlavorModule(KerasFlavor(), "model", _options)


def save_model(  # noqa: D417 - MLflow's signature
    model: Any,
    path: str | Path,
    save_exported_model: bool = False,
    conda_env: str | dict[str, Any] | None = None,
    mlflow_model: Model | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    save_model_kwargs: Mapping[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    extra_files: Sequence[str | Path] | None = None,
    *,
    allow_code: bool = False,
) -> None:
    """Save a Keras model into the directory ``path``, in MLflow's format.

    Args:
        model: the model, of any backend.
        path: a directory that does not exist yet, or is empty.
        save_exported_model: write it as Keras's ``export`` does, for inference only.
        signature: what the model takes and gives; read off ``input_example`` if that is given.
        save_model_kwargs: arguments for the model's ``save``.
        allow_code: save the code of ``Lambda`` layers too; loading the model then takes trust.

    Raises:
        CannotSave: the model would hold code.
    """
    _models.save(locals())


def log_model(
    model: Any,
    artifact_path: str | None = None,
    save_exported_model: bool = False,
    conda_env: str | dict[str, Any] | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    registered_model_name: str | None = None,
    await_registration_for: int = 300,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    save_model_kwargs: Mapping[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    *,
    allow_code: bool = False,
    extra_files: Sequence[str | Path] | None = None,
) -> ModelInfo:
    """Save a Keras model into the active run, or beside the runs if there is none.

    ``name`` is the model's name (``"model"`` unless given); ``artifact_path`` is its old spelling.
    The rest is as in :func:`save_model`. Hands back where it lies: ``info.model_uri`` loads it.
    """
    return _models.log(locals())


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    load_model_kwargs: Mapping[str, Any] | None = None,
    *,
    allow_pickle: bool | None = None,
    trusted_types: Sequence[str] = (),
) -> Any:
    """Load a Keras model; none of its code is run, nothing imported that you do not name.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.
        custom_objects: classes and functions of yours that the model has, by name. What is
            registered with ``keras.saving.register_keras_serializable`` need not be given.
        load_model_kwargs: arguments for ``keras.saving.load_model``, such as ``compile``.
        allow_pickle: run the code of ``Lambda`` layers that the file holds.
        trusted_types: full names of classes and functions to be imported for it.

    Raises:
        UntrustedModel: it asks for more trust than it was given; the text names what for.
        DamagedModel: its file is inconsistent.
    """
    given = locals()
    with keras_file.reading_with(custom_objects, load_model_kwargs):
        return _models.load(given)


def __getattr__(name: str) -> Any:
    """The callback, and MLflow's names for it; it is a class of Keras's, which it imports."""
    if name in {"ChiplogCallback", "MlflowCallback", "MLflowCallback"}:
        from chiplog.integrations.keras.callbacks import ChiplogCallback

        return ChiplogCallback
    raise AttributeError(f"module 'chiplog.keras' has no attribute {name!r}")
