"""What ``chiplog.lightning`` offers: autologging, and what one adds to a Trainer.

    from chiplog.lightning import ChiplogCallback, ChiplogLogger

are the classes for the package of Lightning's that is imported, and for ``lightning`` if both are.
:func:`classes` gives those of either one by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.integrations.lightning.packages import classes

if TYPE_CHECKING:
    from chiplog.integrations.lightning.for_lightning import ChiplogCallback, ChiplogLogger

__all__ = ["ChiplogCallback", "ChiplogLogger", "autolog", "classes"]

autolog = flavor_autolog("lightning")


def __getattr__(name: str) -> Any:
    """``ChiplogCallback`` and ``ChiplogLogger`` for the package in use."""
    if name in {"ChiplogCallback", "ChiplogLogger"}:
        return getattr(classes(), name)
    raise AttributeError(f"module 'chiplog.lightning' has no attribute {name!r}")
