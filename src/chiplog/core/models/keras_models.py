"""Saving and loading Keras models, for each flavor that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.models import keras_file
from chiplog.core.models.entry import entry_of
from chiplog.core.models.loading import load_model as _load
from chiplog.core.models.logging import log_into_current_run
from chiplog.core.models.safety import Trust
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.saving import save_model as _save

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.flavor import Flavor
    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature


class KerasModels:
    """What the public module of such a flavor offers for its models: bind and hand on."""

    def __init__(self, flavor: Flavor) -> None:
        self._flavor = flavor

    def save_model(  # noqa: D417 - MLflow's signature
        self,
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
        content = ModelContent(
            model,
            signature,
            input_example,
            metadata,
            conda_env,
            pip_requirements,
            extra_pip_requirements,
            extra_files=extra_files,
            options=_options(save_exported_model, save_model_kwargs, allow_code),
        )
        _save(self._flavor, content, path, mlflow_model)

    def log_model(
        self,
        model: Any,
        artifact_path: str | None = None,
        save_exported_model: bool = False,
        conda_env: str | dict[str, Any] | None = None,
        signature: ModelSignature | None = None,
        input_example: Any = None,
        registered_model_name: str | None = None,
        await_registration_for: int = 300,  # noqa: ARG002 - for the registry
        pip_requirements: str | Sequence[str] | None = None,
        extra_pip_requirements: str | Sequence[str] | None = None,
        save_model_kwargs: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        model_type: str | None = None,
        step: int = 0,
        *,
        allow_code: bool = False,
        extra_files: Sequence[str | Path] | None = None,
    ) -> ModelInfo:
        """Save a Keras model into the active run, or beside the runs if there is none.

        ``name`` is the model's name (``"model"`` unless given); ``artifact_path`` is its old
        spelling. The rest is as in :func:`save_model`. Hands back where it lies:
        ``info.model_uri`` loads it.
        """
        entry = entry_of(
            name,
            artifact_path,
            params=params,
            tags=tags,
            model_type=model_type,
            step=step,
            registered_model_name=registered_model_name,
        )
        content = ModelContent(
            model,
            signature,
            input_example,
            metadata,
            conda_env,
            pip_requirements,
            extra_pip_requirements,
            extra_files=extra_files,
            options=_options(save_exported_model, save_model_kwargs, allow_code),
        )
        return log_into_current_run(self._flavor, content, entry)

    def load_model(
        self,
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
        with keras_file.reading_with(custom_objects, load_model_kwargs):
            return _load(
                self._flavor.name, model_uri, Trust(allow_pickle, tuple(trusted_types)), dst_path
            )


def _options(
    exported: bool, save_kwargs: Mapping[str, Any] | None, allow_code: bool
) -> dict[str, Any]:
    return {
        "save_exported_model": exported,
        "save_kwargs": save_kwargs,
        "allow_code": allow_code,
    }
