"""PyTorch: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration
    from chiplog.core.models.flavor import Flavor


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Record training loops written in plain PyTorch."""
    from chiplog.integrations.pytorch.integration import PytorchIntegration

    return [PytorchIntegration()]


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load PyTorch's modules."""
    from chiplog.integrations.pytorch.flavor import PytorchFlavor

    return [PytorchFlavor()]
