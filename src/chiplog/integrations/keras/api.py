"""What ``chiplog.keras`` offers: autologging, a callback, and saving and loading Keras models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.models.keras_models import KerasModels
from chiplog.integrations.keras.flavor import KerasFlavor

if TYPE_CHECKING:
    from chiplog.integrations.keras.callbacks import ChiplogCallback

    MlflowCallback = MLflowCallback = ChiplogCallback

__all__ = [
    "ChiplogCallback",
    "MLflowCallback",
    "MlflowCallback",
    "autolog",
    "load_model",
    "log_model",
    "save_model",
]

autolog = flavor_autolog("keras")

_models = KerasModels(KerasFlavor())
save_model = _models.save_model
log_model = _models.log_model
load_model = _models.load_model


def __getattr__(name: str) -> Any:
    """The callback, and MLflow's names for it; it is a class of Keras's, which it imports."""
    if name in {"ChiplogCallback", "MlflowCallback", "MLflowCallback"}:
        from chiplog.integrations.keras.callbacks import ChiplogCallback

        return ChiplogCallback
    raise AttributeError(f"module 'chiplog.keras' has no attribute {name!r}")
