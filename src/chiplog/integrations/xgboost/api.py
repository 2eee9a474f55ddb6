"""What ``chiplog.xgboost`` offers: autologging, and saving and loading XGBoost models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.integrations.xgboost.flavor import XGBoostFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = flavor_autolog("xgboost")

_models = FlavorModule(XGBoostFlavor(), "xgb_model", ("model_format",))


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
    _models.save(locals())


def log_model(
    xgb_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
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
    return _models.log(locals())


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
    return _models.load(locals())
