"""A second name for a module that exists: what an import finder of ours hands to Python."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


class AliasLoader(importlib.abc.Loader):
    """Loads a name as the module of another name: the same object, loaded once."""

    def __init__(self, real_name: str) -> None:
        self.real_name = real_name
        self._identity: dict[str, object] = {}

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:  # noqa: ARG002 - the protocol's
        """Import the real module; Python writes the alias's spec over its own meanwhile."""
        module = importlib.import_module(self.real_name)
        names = ("__spec__", "__loader__", "__package__")
        self._identity = {name: getattr(module, name, None) for name in names}
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the real module its own identity back; its code has run long ago."""
        for name, value in self._identity.items():
            setattr(module, name, value)


def alias_spec(name: str, real_name: str) -> importlib.machinery.ModuleSpec:
    """What makes ``import name`` give the module ``real_name``."""
    spec = importlib.machinery.ModuleSpec(name, AliasLoader(real_name))
    module = sys.modules.get(real_name) or importlib.import_module(real_name)
    if hasattr(module, "__path__"):
        spec.submodule_search_locations = list(module.__path__)
    return spec
