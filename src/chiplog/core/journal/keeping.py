"""Keeping what cannot be delivered: unproven bytes, and records that a store will not take."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def keep_rejected(directory: Path, journal_id: str, data: bytes, reason: str) -> Path:
    """Add slots to ``<journal id>.rejected``; the caller says so."""
    return _append(directory / f"{journal_id}.rejected", data, reason)


def describe_rejected(path: Path, reason: str) -> str:
    """What to say of a record that was kept in ``path``."""
    return (
        "A record is left out, since the store fails at it; everything else is delivered. "
        f"Its bytes are kept in {path}. {reason}"
    )


def keep_corrupt(directory: Path, journal_id: str, data: bytes, where: str) -> Path:
    """Add bytes to ``<journal id>.corrupt``, unless they are in it already."""
    return _append(directory / f"{journal_id}.corrupt", data, where)


def _append(path: Path, data: bytes, note: str) -> Path:
    entry = f"{note.splitlines()[0]}: {len(data)} bytes\n".encode() + data + b"\n"
    with contextlib.suppress(OSError):
        if path.exists() and entry in path.read_bytes():
            return path
        with path.open("ab") as file:
            file.write(entry)
    return path
