"""Lightning: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Record the trainings of ``lightning`` and ``pytorch_lightning``."""
    from chiplog.integrations.lightning.integration import LightningIntegration

    return [LightningIntegration()]
