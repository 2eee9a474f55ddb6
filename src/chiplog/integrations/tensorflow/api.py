"""What ``chiplog.tensorflow`` offers: autologging, a callback, saving and loading Keras models."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.flavor_modules import flavor_module
from chiplog.core.models.keras_models import KerasModels
from chiplog.integrations.tensorflow.flavor import TensorFlowFlavor

if TYPE_CHECKING:
    ChiplogCallback = MlflowCallback = MLflowCallback = Any

__all__ = [
    "ChiplogCallback",
    "MLflowCallback",
    "MlflowCallback",
    "autolog",
    "load_model",
    "log_model",
    "save_model",
]

autolog = flavor_autolog("tensorflow")

_models = KerasModels(TensorFlowFlavor())
save_model = _models.save_model
log_model = _models.log_model
load_model = _models.load_model


def __getattr__(name: str) -> Any:
    """The callback, and MLflow's names for it; it is a class of Keras's, which it imports."""
    if name in {"ChiplogCallback", "MlflowCallback", "MLflowCallback"}:
        found = flavor_module("keras")
        if found is not None:
            return importlib.import_module(found).ChiplogCallback
    raise AttributeError(f"module 'chiplog.tensorflow' has no attribute {name!r}")
