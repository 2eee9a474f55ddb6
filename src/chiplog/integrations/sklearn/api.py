"""What ``chiplog.sklearn`` offers: autologging, and saving and loading scikit-learn models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.models.loading import load_model as _load
from chiplog.core.models.safety import Trust
from chiplog.core.models.saving import ModelContent, ModelEntry
from chiplog.core.models.saving import log_model as _log
from chiplog.core.models.saving import save_model as _save
from chiplog.core.models.session import log_into_current_run
from chiplog.integrations.sklearn.flavor import SklearnFlavor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.signature import ModelSignature

__all__ = ["autolog", "load_model", "log_model", "save_model"]
