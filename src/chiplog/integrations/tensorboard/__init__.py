"""TensorBoard: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Take along what is written for TensorBoard."""
    from chiplog.integrations.tensorboard.integration import (
        TensorBoardIntegration,
        TensorFlowSummaryIntegration,
    )

    return [TensorBoardIntegration(), TensorFlowSummaryIntegration()]
