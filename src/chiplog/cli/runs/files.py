"""The files of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.entities import FileInfo, Run
    from chiplog.core.stores import ArtifactStore


def artifacts_of(run: Run) -> ArtifactStore:
    """Where a run's files are."""
    from chiplog.core.stores import open_artifact_store

    return open_artifact_store(run.info.artifact_uri or "")


def walk(run: Run, path: str | None = None) -> Iterator[FileInfo]:
    """Every file and folder of a run below ``path``, folders before what is in them."""
    store = artifacts_of(run)
    waiting: list[FileInfo] = list(reversed(store.list(path)))
    while waiting:
        info = waiting.pop()
        yield info
        if info.is_dir:
            waiting += reversed(store.list(info.path))
