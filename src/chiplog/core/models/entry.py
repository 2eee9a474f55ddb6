"""How a logged model is entered, from the arguments that every flavor's ``log_model`` has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.errors import ChiplogError, InvalidValue
from chiplog.core.models.logging import ModelEntry

if TYPE_CHECKING:
    from collections.abc import Mapping


class NotImplementedYet(ChiplogError):
    """Something this version of chiplog does not do."""

    default_code = "NOT_IMPLEMENTED"


def entry_of(
    name: str | None,
    artifact_path: str | None,
    *,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    registered_model_name: str | None = None,
) -> ModelEntry:
    """The entry that these arguments ask for; ``artifact_path`` is the old spelling of ``name``."""
    if artifact_path is not None and name is not None:
        raise InvalidValue(
            f"artifact_path={artifact_path!r} is the old spelling of name={name!r}; give one."
        )
    if registered_model_name is not None:
        raise NotImplementedYet(
            f"registered_model_name={registered_model_name!r}: there is no model registry yet. "
            "Log the model without it."
        )
    return ModelEntry(
        name or artifact_path or "model", params or {}, tags or {}, model_type, step, model_id
    )
