"""CatBoost in chiplog: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.plugins import Flavor, Integration


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Record training."""
    from chiplog_catboost.integration import CatBoostIntegration

    return [CatBoostIntegration()]


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load its models."""
    from chiplog_catboost.flavor import CatBoostFlavor

    return [CatBoostFlavor()]
