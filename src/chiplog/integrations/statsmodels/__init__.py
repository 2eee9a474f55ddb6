"""statsmodels: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration
    from chiplog.core.models.flavor import Flavor


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Record statsmodels' fits."""
    from chiplog.integrations.statsmodels.integration import StatsmodelsIntegration

    return [StatsmodelsIntegration()]


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load statsmodels' results."""
    from chiplog.integrations.statsmodels.flavor import StatsmodelsFlavor

    return [StatsmodelsFlavor()]
