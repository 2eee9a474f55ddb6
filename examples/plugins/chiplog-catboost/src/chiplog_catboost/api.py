"""What ``chiplog.catboost`` offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog import plugins

from chiplog_catboost.flavor import CatBoostFlavor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = plugins.flavor_autolog("catboost")


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
    content = plugins.ModelContent(
        cb_model,
        signature=signature,
        input_example=input_example,
        metadata=metadata,
        conda_env=conda_env,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        code_paths=code_paths,
        options={"save_format": save_format},
    )
    plugins.save_model(CatBoostFlavor(), content, path, mlflow_model)


def log_model(
    cb_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    signature: plugins.ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    save_format: str = "cbm",
    name: str | None = None,
) -> plugins.ModelInfo:
    """Save a model into the active run; ``info.model_uri`` loads it.

    ``name`` is the model's name; ``artifact_path`` is its old spelling.
    """
    content = plugins.ModelContent(
        cb_model,
        signature=signature,
        input_example=input_example,
        metadata=metadata,
        conda_env=conda_env,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        code_paths=code_paths,
        options={"save_format": save_format},
    )
    return plugins.log_model(
        CatBoostFlavor(), content, plugins.ModelEntry(name or artifact_path or "model")
    )


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    *,
    allow_pickle: bool | None = None,
) -> Any:
    """Load a model; nothing in it runs that you did not say you trust."""
    return plugins.load_model("catboost", model_uri, plugins.Trust(allow_pickle), dst_path)
