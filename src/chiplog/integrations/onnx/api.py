"""What ``chiplog.onnx`` offers: saving and loading ONNX models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.models.flavor_module import FlavorModule
from chiplog.integrations.onnx.flavor import OnnxFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = ["load_model", "log_model", "save_model"]

_models = FlavorModule(
    OnnxFlavor(),
    "onnx_model",
    ("onnx_execution_providers", "onnx_session_options", "save_as_external_data"),
)


def save_model(  # noqa: D417 - MLflow's signature
    onnx_model: Any,
    path: str | Path,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    mlflow_model: Model | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    onnx_execution_providers: Sequence[str] | None = None,
    onnx_session_options: Mapping[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    save_as_external_data: bool = True,
    extra_files: Sequence[str | Path] | None = None,
) -> None:
    """Save an ONNX model into the directory ``path``, in MLflow's format.

    Args:
        onnx_model: the ``onnx.ModelProto``.
        path: a directory that does not exist yet, or is empty.
        signature: what the model takes and gives; read off ``input_example`` if that is given.
        onnx_execution_providers: where onnxruntime computes it, the first that there is;
            ``["CUDAExecutionProvider", "CPUExecutionProvider"]`` unless given.
        onnx_session_options: ``graph_optimization_level``, ``intra_op_num_threads``,
            ``inter_op_num_threads``, ``execution_mode`` (``"sequential"`` or ``"parallel"``),
            ``extra_session_config``.
        save_as_external_data: write tensors of 1 KiB and more into a file of their own, as a
            model of 2 GiB and more must be.

    Raises:
        CannotSave: ONNX's checker refuses the model, or its tensors lie elsewhere.
    """
    _models.save(locals())


def log_model(
    onnx_model: Any,
    artifact_path: str | None = None,
    conda_env: str | dict[str, Any] | None = None,
    code_paths: Sequence[str | Path] | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,
    await_registration_for: int = 300,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
    onnx_execution_providers: Sequence[str] | None = None,
    onnx_session_options: Mapping[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    save_as_external_data: bool = True,
    extra_files: Sequence[str | Path] | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
) -> ModelInfo:
    """Save an ONNX model into the active run, or beside the runs if there is none.

    ``name`` is the model's name (``"model"`` unless given); ``artifact_path`` is its old spelling.
    The rest is as in :func:`save_model`. Hands back where it lies: ``info.model_uri`` loads it.
    """
    return _models.log(locals())


def load_model(model_uri: str | Path, dst_path: str | Path | None = None) -> Any:
    """Load an ONNX model, as an ``onnx.ModelProto``. ``chiplog.pyfunc`` loads one that computes.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.

    Raises:
        DamagedModel: ONNX's checker refuses it, or it names files outside of its folder.
    """
    return _models.load(locals())
