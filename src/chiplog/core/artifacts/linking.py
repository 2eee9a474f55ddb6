"""A second name for a local file among artifacts, without copying it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore


def link_file(store: ArtifactStore, source: Path, path: str) -> bool:
    """Hard-link a local file to ``path``; False if this store cannot, and nothing was done.

    For large files that are written once, such as checkpoints: whoever replaces or removes the
    original leaves the artifact as it is.
    """
    link = getattr(store, "link_file", None)
    return bool(link(source, path)) if link is not None else False
