"""scikit-learn: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration
    from chiplog.core.models.flavor import Flavor


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Record scikit-learn's training calls."""
    from chiplog.integrations.sklearn.integration import SklearnIntegration

    return [SklearnIntegration()]


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load scikit-learn's models."""
    from chiplog.integrations.sklearn.flavor import SklearnFlavor

    return [SklearnFlavor()]
