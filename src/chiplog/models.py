"""Models on disk: what they are, their signatures, and how they are loaded."""

from chiplog.core.models.model import Model
from chiplog.core.models.signature import ModelSignature, infer_signature

__all__ = ["Model", "ModelSignature", "infer_signature"]
