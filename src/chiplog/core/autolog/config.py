"""The settings of an integration: those every integration has, and its own."""

from __future__ import annotations

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
    """

    disable: bool = False
    exclusive: bool = False
    disable_for_unsupported_versions: bool = False
    silent: bool = False
    extra_tags: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
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
