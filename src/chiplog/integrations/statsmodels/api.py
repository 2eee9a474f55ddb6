"""What ``chiplog.statsmodels`` offers: autologging, and saving and loading fitted models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.integrations.statsmodels.flavor import StatsmodelsFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = flavor_autolog("statsmodels")

_models = FlavorModule(
    StatsmodelsFlavor(), "statsmodels_model", ("serialization_format", "remove_data")
)


def save_model(  # noqa: D417 - MLflow's signature
    statsmodels_model: Any,
    path: str | Path,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    mlflow_model: Model | None = None,
    remove_data: bool = False,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    extra_files: Sequence[str | Path] | None = None,
    serialization_format: str | None = None,
) -> None:
    """Save the result of a fit into the directory ``path``, in MLflow's format.

    Args:
        statsmodels_model: what ``fit`` handed back.
        path: a directory that does not exist yet, or is empty.
        remove_data: leave the training data out; the model still predicts.
        signature: what the model takes and gives; read off ``input_example`` if that is given.
        serialization_format: must be ``"pickle"``: statsmodels has no format that holds data
            alone. A pickle must be trusted when it is loaded.

    Raises:
        CannotSave: a pickle was not asked for.
    """
    _models.save(locals())


def log_model(
    statsmodels_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    registered_model_name: str | None = None,
    remove_data: bool = False,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
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
) -> ModelInfo:
    """Save the result of a fit into the active run, or beside the runs if there is none.

    ``name`` is the model's name (``"model"`` unless given); ``artifact_path`` is its old spelling.
    The rest is as in :func:`save_model`. Hands back where it lies: ``info.model_uri`` loads it.
    """
    return _models.log(locals())


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    *,
    allow_pickle: bool | None = None,
) -> Any:
    """Load the result of a fit, which is a pickle: only if you say that it may run its code.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.
        allow_pickle: read the pickle, which runs whatever code it holds.

    Raises:
        UntrustedModel: ``allow_pickle`` was not given; the text lists what the pickle names.
        DamagedModel: it is no pickle.
    """
    return _models.load(locals())
