"""The two markers: ``hookspec`` declares a hook, ``hookimpl`` implements one."""

from __future__ import annotations

import pluggy

PROJECT = "chiplog"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
