"""ONNX: what this plugin provides. The heavy code is imported when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.models.flavor import Flavor


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load ONNX models."""
    from chiplog.integrations.onnx.flavor import OnnxFlavor

    return [OnnxFlavor()]
