"""What ``chiplog.sklearn`` offers: autologging, and saving and loading scikit-learn models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models.flavor_module import FlavorModule
from chiplog.integrations.sklearn.flavor import SklearnFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature


__all__ = ["autolog", "load_model", "log_model", "save_model"]

autolog = flavor_autolog("sklearn")

_models = FlavorModule(
    SklearnFlavor(),
    "sk_model",
    ("serialization_format", "pyfunc_predict_fn", "skops_trusted_types"),
)


def save_model(  # noqa: D417 - MLflow's signature
    sk_model: Any,
    path: str | Path,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    mlflow_model: Model | None = None,
    serialization_format: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    pyfunc_predict_fn: str = "predict",
    metadata: dict[str, Any] | None = None,
    skops_trusted_types: Sequence[str] | None = None,
    extra_files: Sequence[str | Path] | None = None,
) -> None:
    """Save a scikit-learn model into the directory ``path``, in MLflow's format.

    Args:
        sk_model: the fitted estimator.
        path: a directory that does not exist yet, or is empty.
        serialization_format: ``"skops"`` (the default) holds data only; ``"pickle"`` and
            ``"cloudpickle"`` hold anything, and must be trusted when they are loaded.
        signature: what the model takes and gives; read off ``input_example`` if that is given.
        pyfunc_predict_fn: the method that serves predictions.
        skops_trusted_types: what MLflow is to trust when it loads the model; found out if None.
            chiplog does not believe a file about itself and asks the caller of ``load_model``.
    """
    _models.save(locals())


def log_model(
    sk_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    serialization_format: str | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    pyfunc_predict_fn: str = "predict",
    metadata: dict[str, Any] | None = None,
    extra_files: Sequence[str | Path] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    name: str | None = None,
    skops_trusted_types: Sequence[str] | None = None,
) -> ModelInfo:
    """Save a scikit-learn model into the active run, or beside the runs if there is none.

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
    """Load a scikit-learn model; nothing is unpickled or trusted that you did not say so of.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.
        allow_pickle: read a pickle, which runs whatever code it holds.
        trusted_types: full names of types beyond scikit-learn's that the file may hold, such as
            your own estimators'.

    Raises:
        UntrustedModel: it asks for more trust than it was given; the text names what for.
        DamagedModel: its file is inconsistent.
    """
    return _models.load(locals())
