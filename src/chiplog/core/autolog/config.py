"""The settings of an integration: those every integration has, and its own."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from chiplog.core.errors import InvalidValue

_log = logging.getLogger("chiplog.autolog")

AUTOLOGGING_TAG: Final = "mlflow.autologging"


@dataclass(frozen=True, kw_only=True)
class AutologConfig:
    """What every ``chiplog.<flavor>.autolog()`` takes; an integration subclasses it for its own.

    A subclass is a frozen, keyword-only dataclass whose fields all have defaults. It must pickle,
    since worker processes are set up with it.

    Attributes:
        disable: take the integration out again.
        exclusive: log nothing into a run the user started.
        disable_for_unsupported_versions: log nothing if the framework's version is not known.
        silent: say nothing while setting up and training.
        extra_tags: tags for the runs that autologging creates.
        max_overhead: the part of the training time that recording may take, such as 0.01: beyond
            it, steps are left out, and counted. None keeps every step; costly extras, such as
            gradient norms, are done as long as everything together stays within 1 %.
    """

    disable: bool = False
    exclusive: bool = False
    disable_for_unsupported_versions: bool = False
    silent: bool = False
    extra_tags: Mapping[str, str] | None = None
    max_overhead: float | None = None

    def __post_init__(self) -> None:
        if self.max_overhead is not None:
            object.__setattr__(self, "max_overhead", _share(self.max_overhead))
        if self.extra_tags is None:
            return
        if not isinstance(self.extra_tags, Mapping):
            raise InvalidValue(
                f"extra_tags={self.extra_tags!r} is no dictionary; "
                "give tag names and values, such as extra_tags={'team': 'vision'}."
            )
        tags = {str(key): str(value) for key, value in self.extra_tags.items()}
        if tags.pop(AUTOLOGGING_TAG, None) is not None and not self.silent:
            _log.warning("The extra tag %r is chiplog's own and was left out.", AUTOLOGGING_TAG)
        object.__setattr__(self, "extra_tags", tags)

    @classmethod
    def accepted(cls, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Those of ``arguments`` that this configuration knows."""
        known = {field.name for field in fields(cls)}
        return {name: value for name, value in arguments.items() if name in known}


def _share(value: object) -> float:
    """``max_overhead`` as a number, if it is one above 0."""
    if not isinstance(value, bool):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            number = float(value)  # type: ignore[arg-type]  # what is no number raises
            if not isinstance(value, str) and number > 0:
                return number
    raise InvalidValue(
        f"max_overhead={value!r} is not allowed: give the part of the training time that recording "
        "may take, a number above 0 such as 0.01 for 1 %, or None for no limit."
    )
