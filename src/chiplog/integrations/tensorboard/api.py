"""What ``chiplog.tensorboard`` offers: taking along what is written for TensorBoard."""

from __future__ import annotations

from chiplog.core.autolog.engine import flavor_autolog

__all__ = ["autolog"]

autolog = flavor_autolog("tensorboard")
