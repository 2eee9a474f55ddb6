"""LightGBM: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration
    from chiplog.core.models.flavor import Flavor


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Record LightGBM's training calls."""
    from chiplog.integrations.lightgbm.integration import LightGBMIntegration

    return [LightGBMIntegration()]


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load LightGBM's models."""
    from chiplog.integrations.lightgbm.flavor import LightGBMFlavor

    return [LightGBMFlavor()]
