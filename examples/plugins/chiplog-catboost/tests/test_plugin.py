"""The plugin as a whole passes chiplog's kit."""

from __future__ import annotations

from chiplog.testing import PluginKit


class TestPlugin(PluginKit):
    """It is found by its entry point, and costs nothing until it is used."""

    plugin = "catboost"
