"""What ``chiplog.xgboost`` offers: autologging, and saving and loading XGBoost models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models.entry import entry_of
from chiplog.core.models.loading import load_model as _load
from chiplog.core.models.logging import log_into_current_run
from chiplog.core.models.safety import Trust
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.saving import save_model as _save
from chiplog.integrations.xgboost.flavor import XGBoostFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = flavor_autolog("xgboost")


def save_model(  # noqa: D417 - MLflow's signature
    xgb_model: Any,
    path: str | Path,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    mlflow_model: Model | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    model_format: str = "ubj",
    metadata: dict[str, Any] | None = None,
    extra_files: Sequence[str | Path] | None = None,
) -> None:
    """Save a booster or an estimator of XGBoost's into the directory ``path``, in MLflow's format.

    Args:
        xgb_model: the trained booster, or the fitted estimator.
        path: a directory that does not exist yet, or is empty.
        signature: what the model takes and gives; read off ``input_example`` if that is given.
        model_format: ``"ubj"`` (the default) or ``"json"``. Neither holds code.
    """
    content = ModelContent(
        xgb_model,
        signature,
        input_example,
        metadata,
        conda_env,
        pip_requirements,
        extra_pip_requirements,
        code_paths,
        extra_files,
        {"model_format": model_format},
    )
    _save(XGBoostFlavor(), content, path, mlflow_model)


def log_model(
    xgb_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,  # noqa: ARG001 - for the registry
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    model_format: str = "ubj",
    metadata: dict[str, Any] | None = None,
    extra_files: Sequence[str | Path] | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
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
        xgb_model,
        signature,
        input_example,
        metadata,
        conda_env,
        pip_requirements,
        extra_pip_requirements,
        code_paths,
        extra_files,
        {"model_format": model_format},
    )
    return log_into_current_run(XGBoostFlavor(), content, entry)


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    *,
    trusted_types: Sequence[str] = (),
) -> Any:
    """Load a booster, or an estimator if that is what was saved.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.
        trusted_types: full names of estimator classes of your own that may be imported.

    Raises:
        UntrustedModel: it is of a class that is neither XGBoost's nor trusted.
        DamagedModel: XGBoost cannot read its file.
    """
    return _load("xgboost", model_uri, Trust(types=tuple(trusted_types)), dst_path)
