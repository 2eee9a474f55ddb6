"""Everything the author of a plugin needs: the stable face of chiplog's insides.

    from chiplog.plugins import Call, Integration, Point, Watch, hookimpl

What is here is kept compatible; ``chiplog.core`` and below may change at any time. The conformance
kits are in :mod:`chiplog.testing`. Names are loaded when first used, so a plugin's manifest that
imports :data:`hookimpl` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in chiplog/__init__.py: importing typing would cost more than the rest
if TYPE_CHECKING:
    from typing import Any

    from chiplog.core.autolog.config import AutologConfig
    from chiplog.core.autolog.engine import flavor_autolog
    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.integration import Call, Integration, Point, Watch
    from chiplog.core.autolog.nesting import suspended
    from chiplog.core.autolog.opening import OpenSession, open_session
    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.data import describe_dataset
    from chiplog.core.entities import LoggedModel, Run
    from chiplog.core.errors import (
        CannotSave,
        ChiplogError,
        DamagedModel,
        InvalidValue,
        MissingLibrary,
        NotFound,
        UntrustedModel,
    )
    from chiplog.core.evaluation.artifacts import EvaluationArtifact
    from chiplog.core.evaluation.evaluator import EvaluationTask, Findings, ModelEvaluator
    from chiplog.core.models.examples import first_rows
    from chiplog.core.models.flavor import Flavor, Saved
    from chiplog.core.models.flavor_module import FlavorModule
    from chiplog.core.models.loading import file_of, load_model
    from chiplog.core.models.logging import ModelEntry
    from chiplog.core.models.logging import log_into_current_run as log_model
    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.safety import Trust, read_pickle, read_skops
    from chiplog.core.models.saving import ModelContent, save_model
    from chiplog.core.models.signature import ModelSignature, infer_signature
    from chiplog.core.records import SeriesPoints
    from chiplog.core.stores import ArtifactStore, TrackingStore
    from chiplog.hooks.markers import hookimpl

__all__ = [
    "hookimpl",
    "Integration",
    "Watch",
    "Point",
    "Call",
    "AutologConfig",
    "Installation",
    "TrainingSession",
    "open_session",
    "OpenSession",
    "suspended",
    "flavor_autolog",
    "describe_dataset",
    "Flavor",
    "Saved",
    "FlavorModule",
    "ModelContent",
    "save_model",
    "ModelEntry",
    "log_model",
    "load_model",
    "file_of",
    "Trust",
    "read_pickle",
    "read_skops",
    "Model",
    "ModelInfo",
    "ModelSignature",
    "infer_signature",
    "first_rows",
    "ModelEvaluator",
    "EvaluationTask",
    "Findings",
    "EvaluationArtifact",
    "TrackingStore",
    "ArtifactStore",
    "SeriesPoints",
    "Run",
    "LoggedModel",
    "ChiplogError",
    "InvalidValue",
    "NotFound",
    "MissingLibrary",
    "CannotSave",
    "DamagedModel",
    "UntrustedModel",
]

# Where each name is found; as ``name`` or ``name=its name there``. The imports above say the same
# to type checkers, and a test compares the two.
_PLACES = {
    "chiplog.hooks.markers": "hookimpl",
    "chiplog.core.autolog.integration": "Integration Watch Point Call",
    "chiplog.core.autolog.config": "AutologConfig",
    "chiplog.core.autolog.installation": "Installation",
    "chiplog.core.autolog.session": "TrainingSession",
    "chiplog.core.autolog.opening": "open_session OpenSession",
    "chiplog.core.autolog.nesting": "suspended",
    "chiplog.core.autolog.engine": "flavor_autolog",
    "chiplog.core.data": "describe_dataset",
    "chiplog.core.models.flavor": "Flavor Saved",
    "chiplog.core.models.flavor_module": "FlavorModule",
    "chiplog.core.models.saving": "ModelContent save_model",
    "chiplog.core.models.logging": "ModelEntry log_model=log_into_current_run",
    "chiplog.core.models.loading": "load_model file_of",
    "chiplog.core.models.safety": "Trust read_pickle read_skops",
    "chiplog.core.models.model": "Model ModelInfo",
    "chiplog.core.models.signature": "ModelSignature infer_signature",
    "chiplog.core.models.examples": "first_rows",
    "chiplog.core.evaluation.evaluator": "EvaluationTask Findings ModelEvaluator",
    "chiplog.core.evaluation.artifacts": "EvaluationArtifact",
    "chiplog.core.stores": "TrackingStore ArtifactStore",
    "chiplog.core.records": "SeriesPoints",
    "chiplog.core.entities": "Run LoggedModel",
    "chiplog.core.errors": """
        ChiplogError InvalidValue NotFound MissingLibrary CannotSave DamagedModel UntrustedModel
    """,
}

_FOUND_IN: dict[str, tuple[str, str]] = {}
for _module, _names in _PLACES.items():
    for _entry in _names.split():
        _name, _, _other = _entry.partition("=")
        _FOUND_IN[_name] = (_module, _other or _name)


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for, and keep it."""
    if name not in _FOUND_IN:
        raise AttributeError(f"module 'chiplog.plugins' has no attribute {name!r}")
    module, attribute = _FOUND_IN[name]
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FOUND_IN})
