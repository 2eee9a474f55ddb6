"""``chiplog.<name>``: the public module of a flavor or an integration that a plugin provides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.alias_loading import alias_spec
from chiplog.core.autolog.engine import integrations
from chiplog.core.models.flavor import flavors

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


def flavor_module(name: str) -> str | None:
    """The import path that a plugin names for the flavor or integration ``name``, or None."""
    provided = flavors().get(name) or integrations().get(name)
    return (provided.module or None) if provided else None


def find_flavor(name: str) -> ModuleSpec | None:
    """What loads ``chiplog.<flavor>``, or None if no plugin provides one."""
    module = flavor_module(name.removeprefix("chiplog."))
    return alias_spec(name, module) if module else None
