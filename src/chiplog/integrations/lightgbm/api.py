"""What ``chiplog.lightgbm`` offers: autologging, and saving and loading LightGBM models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models.entry import entry_of
from chiplog.core.models.loading import load_model as _load
from chiplog.core.models.logging import log_into_current_run
from chiplog.core.models.safety import Trust
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.saving import save_model as _save
from chiplog.integrations.lightgbm.flavor import LightGBMFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = flavor_autolog("lightgbm")


def save_model(  # noqa: D417 - MLflow's signature
    lgb_model: Any,
    path: str | Path,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    mlflow_model: Model | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    serialization_format: str | None = None,
    skops_trusted_types: Sequence[str] | None = None,
    extra_files: Sequence[str | Path] | None = None,
    **kwargs: Any,
) -> None:
    """Save a booster or an estimator of LightGBM's into the directory ``path``, in MLflow's format.

    Args:
        lgb_model: the trained booster, or the fitted estimator.
        path: a directory that does not exist yet, or is empty.
        signature: what the model takes and gives; read off ``input_example`` if that is given.
        serialization_format: of an estimator: ``"skops"`` (the default) holds data only;
            ``"pickle"`` and ``"cloudpickle"`` hold anything, and must be trusted when they are
            loaded. A booster is always saved as LightGBM's own text, which holds data only.
        skops_trusted_types: what MLflow is to trust when it loads an estimator; found out if None.
        **kwargs: of a booster: arguments of its ``save_model``, such as ``num_iteration``.
    """
    content = ModelContent(
        lgb_model,
        signature,
        input_example,
        metadata,
        conda_env,
        pip_requirements,
        extra_pip_requirements,
        code_paths,
        extra_files,
        _options(serialization_format, skops_trusted_types, kwargs),
    )
    _save(LightGBMFlavor(), content, path, mlflow_model)


def log_model(
    lgb_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,  # noqa: ARG001 - for the registry
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    extra_files: Sequence[str | Path] | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    serialization_format: str | None = None,
    skops_trusted_types: Sequence[str] | None = None,
    **kwargs: Any,
) -> ModelInfo:
    """Save a booster or an estimator into the active run, or beside the runs if there is none.

    ``name`` is the model's name (``"model"`` unless given); ``artifact_path`` is its old spelling.
    The rest is as in :func:`save_model`. Hands back where it lies: ``info.model_uri`` loads it.
    """
    entry = entry_of(
        name,
        artifact_path,
        params=params,
        tags=tags,
        model_type=model_type,
        step=step,
        model_id=model_id,
        registered_model_name=registered_model_name,
    )
    content = ModelContent(
        lgb_model,
        signature,
        input_example,
        metadata,
        conda_env,
        pip_requirements,
        extra_pip_requirements,
        code_paths,
        extra_files,
        _options(serialization_format, skops_trusted_types, kwargs),
    )
    return log_into_current_run(LightGBMFlavor(), content, entry)


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    *,
    allow_pickle: bool | None = None,
    trusted_types: Sequence[str] = (),
) -> Any:
    """Load a booster, or an estimator if that is what was saved.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.
        allow_pickle: read a pickle, which runs whatever code it holds.
        trusted_types: full names of types beyond LightGBM's and scikit-learn's that it may hold.

    Raises:
        UntrustedModel: it asks for more trust than it was given; the text names what for.
        DamagedModel: its file cannot be read.
    """
    return _load("lightgbm", model_uri, Trust(allow_pickle, tuple(trusted_types)), dst_path)


def _options(
    serialization_format: str | None,
    skops_trusted_types: Sequence[str] | None,
    save_arguments: dict[str, Any],
) -> dict[str, Any]:
    return {
        "serialization_format": serialization_format,
        "skops_trusted_types": skops_trusted_types,
        "save_arguments": save_arguments,
    }
