"""Conformance kits and fixtures for those who write plugins; chiplog's own tests use them.

from chiplog.testing import IntegrationKit

class TestMine(IntegrationKit):
    integration = "mine"
    def make_data(self): ...
    def train_on(self, data): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chiplog.testing.artifact_kit import ArtifactStoreKit as ArtifactStoreKit
    from chiplog.testing.flavor_kit import FlavorKit as FlavorKit
    from chiplog.testing.integration_kit import IntegrationKit as IntegrationKit
    from chiplog.testing.plugin_kit import PluginKit as PluginKit
    from chiplog.testing.project import Project as Project
    from chiplog.testing.store_kit import StoreKit as StoreKit

_PLACES = {
    "ArtifactStoreKit": "chiplog.testing.artifact_kit",
    "FlavorKit": "chiplog.testing.flavor_kit",
    "IntegrationKit": "chiplog.testing.integration_kit",
    "PluginKit": "chiplog.testing.plugin_kit",
    "Project": "chiplog.testing.project",
    "StoreKit": "chiplog.testing.store_kit",
}

__all__ = [
    "ArtifactStoreKit",
    "FlavorKit",
    "IntegrationKit",
    "PluginKit",
    "Project",
    "StoreKit",
]


def __getattr__(name: str) -> Any:
    """Load a kit when it is asked for: each needs what it tests."""
    if name not in _PLACES:
        raise AttributeError(f"module 'chiplog.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
