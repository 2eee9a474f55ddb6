"""What ``chiplog.catboost`` offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog import plugins

from chiplog_catboost.flavor import CatBoostFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = plugins.flavor_autolog("catboost")

_models = plugins.FlavorModule(CatBoostFlavor(), "cb_model", ["save_format"])


def save_model(
    cb_model: Any,
    path: str | Path,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    mlflow_model: plugins.Model | None = None,
    signature: plugins.ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    save_format: str = "cbm",
) -> None:
    """Save a model into the directory ``path``, in MLflow's format."""
    _models.save(locals())


def log_model(
    cb_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    registered_model_name: str | None = None,
    signature: plugins.ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    *,
    save_format: str = "cbm",
) -> plugins.ModelInfo:
    """Save a model into the active run; ``info.model_uri`` loads it.

    ``name`` is the model's name; ``artifact_path`` is its old spelling.
    """
    return _models.log(locals())


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    *,
    allow_pickle: bool | None = None,
) -> Any:
    """Load a model; nothing in it runs that you did not say you trust."""
    return _models.load(locals())
