"""Callbacks for the moment a module has been imported, be that past or still to come."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class ImportHook:
    """Calls back once when a module is imported, unless it was cancelled before.

    wrapt cannot take a registered hook back, so a cancelled one stays behind as an empty call.
    """

    __slots__ = ("_callback", "_module")

    def __init__(self, module: str, callback: Callable[[ModuleType], object]) -> None:
        self._module = module
        self._callback: Callable[[ModuleType], object] | None = callback

    def arm(self) -> None:
        """Call back now if the module is imported already, else when it will be."""
        _wait_for_import(self._module)
        wrapt.register_post_import_hook(self._imported, self._module)

    def _imported(self, module: ModuleType) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback(module)

    def cancel(self) -> None:
        """Call back no more."""
        self._callback = None


def _wait_for_import(name: str) -> None:
    """If another thread is importing the module just now, wait until it is whole."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if getattr(spec, "_initializing", False):
        importlib.import_module(name)
