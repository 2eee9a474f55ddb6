"""Models on disk: what they say about themselves, and their signatures."""

from chiplog.core.models.model import Model
from chiplog.core.models.signature import ModelSignature, infer_signature

__all__ = ["Model", "ModelSignature", "infer_signature"]
