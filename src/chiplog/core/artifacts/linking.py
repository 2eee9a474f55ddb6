"""A second name for a local file among artifacts, without copying it."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.stores import ArtifactStore


def link_file(store: ArtifactStore, source: Path, path: str) -> bool:
    """Hard-link a local file to ``path``; False if this store cannot, and nothing was done.

    For large files that are written once, such as checkpoints: whoever replaces or removes the
    original leaves the artifact as it is.
    """
    link = getattr(store, "link_file", None)
    return bool(link(source, path)) if link is not None else False


@contextlib.contextmanager
def staged(store: ArtifactStore) -> Iterator[Path]:
    """An empty directory whose contents are stored, at the root, when the block ends well.

    Nothing is stored if it does not. Where files can be linked they are written once.
    """
    root = getattr(store, "root", None)
    beside = root.parent if isinstance(root, Path) and hasattr(store, "link_file") else None
    if beside is not None:
        beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chiplog-", dir=beside) as folder:
        directory = Path(folder)
        yield directory
        files = [file for file in directory.rglob("*") if file.is_file()]
        if not all(link_file(store, f, f.relative_to(directory).as_posix()) for f in files):
            store.put_directory(directory, None)
