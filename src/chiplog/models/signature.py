"""Signatures: what a model takes, gives, and accepts as parameters."""

from chiplog.core.models.information import set_signature
from chiplog.core.models.signature import ModelSignature, infer_signature

__all__ = ["ModelSignature", "infer_signature", "set_signature"]
