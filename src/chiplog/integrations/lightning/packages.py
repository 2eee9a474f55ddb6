"""The two packages Lightning is published in: each has class trees of its own."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

LIGHTNING: Final = "lightning.pytorch"
PYTORCH_LIGHTNING: Final = "pytorch_lightning"

_CLASSES: Final = {
    LIGHTNING: "chiplog.integrations.lightning.for_lightning",
    PYTORCH_LIGHTNING: "chiplog.integrations.lightning.for_pytorch_lightning",
}


def package_of(thing: object) -> str:
    """The package whose classes an object is of, or inherits from."""
    for base in type(thing).__mro__:
        for package in _CLASSES:
            if base.__module__ == package or base.__module__.startswith(f"{package}."):
                return package
    raise InvalidValue(f"{thing!r:.200} is of no class of Lightning's.")


def classes(package: str | None = None) -> ModuleType:
    """The module with ``ChiplogCallback`` and ``ChiplogLogger`` for one of Lightning's packages.

    Args:
        package: ``"lightning"`` or ``"pytorch_lightning"``; the one that is imported unless given,
            and ``lightning`` if both or neither are.
    """
    name = LIGHTNING if package == "lightning" else package
    if name is None:
        name = next(iter(_by_preference()))
    if name not in _CLASSES:
        raise InvalidValue(
            f"{package!r} is no package of Lightning's; give 'lightning' or 'pytorch_lightning'."
        )
    return import_module(_CLASSES[name])


def framework(package: str, module: str) -> Any:
    """A module of the package in use, such as ``callbacks``."""
    return import_module(f"{package}.{module}")


def _by_preference() -> Iterator[str]:
    yield from (package for package in _CLASSES if package in sys.modules)
    for package in _CLASSES:
        try:
            import_module(package)
        except ModuleNotFoundError:
            continue
        yield package
    raise NotFound("Neither 'lightning' nor 'pytorch_lightning' is installed; install one of them.")
