"""Whether files in a directory can be mapped without danger.

Mapping is safe where a page that was allocated can always be written: a plain local file system
that writes in place. On network and FUSE file systems a mapping may be incoherent, and where
blocks are copied on write a full disk is a SIGBUS. There, and wherever we do not know, records
are appended with ``write(2)`` instead.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Final, Literal

from chiplog.core.config import env
from chiplog.core.errors import InvalidValue

Mode = Literal["mapped", "appended", "memory"]

_MODES: Final[tuple[Mode, ...]] = ("mapped", "appended", "memory")
_MAPPABLE: Final = {"ext2", "ext3", "ext4", "xfs", "tmpfs", "ramfs", "overlay", "f2fs", "jfs"}


def journal_mode(directory: Path) -> Mode:
    """How journals in ``directory`` are written; ``CHIPLOG_JOURNAL_MODE`` overrides it."""
    if asked := asked_mode():
        return asked
    return "mapped" if is_local(directory) and _one_write_at_a_time() else "appended"


def asked_mode() -> Mode | None:
    """What ``CHIPLOG_JOURNAL_MODE`` asks for; raises InvalidValue if there is no such mode."""
    asked = env("JOURNAL_MODE")
    for mode in _MODES:
        if asked == mode:
            return mode
    if asked:
        raise InvalidValue(f"CHIPLOG_JOURNAL_MODE={asked!r} is none of {', '.join(_MODES)}.")
    return None


def is_local(directory: Path) -> bool:
    """Whether ``directory`` lies on a local file system that writes in place."""
    return filesystem_type(os.path.realpath(directory)) in _MAPPABLE


@functools.lru_cache(maxsize=64)
def filesystem_type(path: str) -> str:
    """The type of the file system that an absolute path lies on; "unknown" if it can't be told."""
    best, kind = "", "unknown"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return kind
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        mounted_at = fields.split(" ")[4].encode().decode("unicode_escape")
        inside = path == mounted_at or path.startswith(mounted_at.rstrip("/") + "/")
        if inside and len(mounted_at) >= len(best):
            best, kind = mounted_at, rest.split(" ", 1)[0]
    return kind


def _one_write_at_a_time() -> bool:
    """Whether one ``mmap.write`` runs at a time: the lock-free path rests on the GIL."""
    import sys

    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is None or bool(enabled())
