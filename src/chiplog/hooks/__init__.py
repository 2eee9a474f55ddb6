"""The contract between chiplog and its plugins: hook specifications, plugin manager, patcher.

This package imports nothing of chiplog's. A plugin needs only :data:`hookimpl` from it.
"""

from chiplog.hooks.markers import hookimpl, hookspec

__all__ = ["hookimpl", "hookspec"]
