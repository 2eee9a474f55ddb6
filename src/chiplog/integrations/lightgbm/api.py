"""What ``chiplog.lightgbm`` offers: autologging, and saving and loading LightGBM models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.integrations.lightgbm.flavor import LightGBMFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = flavor_autolog("lightgbm")


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The flavor's options among the arguments; those for ``Booster.save_model`` are the others."""
    return {
        "serialization_format": given["serialization_format"],
        "skops_trusted_types": given["skops_trusted_types"],
        "save_arguments": given["kwargs"],
    }


_models = FlavorModule(LightGBMFlavor(), "lgb_model", _options)


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
    _models.save(locals())


def log_model(
    lgb_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    registered_model_name: str | None = None,
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
    skops_trusted_types: Sequence[str] | None = None,
    **kwargs: Any,
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
    return _models.load(locals())
