"""What a model's MLmodel file says."""

from chiplog.core.models.information import get_model_info
from chiplog.core.models.model import Model, ModelInfo

__all__ = ["Model", "ModelInfo", "get_model_info"]
