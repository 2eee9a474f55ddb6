"""Keeps artifacts as files: ``file://`` URIs and plain paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.stores import ArtifactStore


@hookimpl
def chiplog_artifact_store(uri: str) -> ArtifactStore | None:
    """Open a local directory."""
    from chiplog.store.artifacts.local import LocalArtifactStore, local_path

    path = local_path(uri)
    return None if path is None else LocalArtifactStore(path)


@hookimpl
def chiplog_store_schemes(kind: str) -> Mapping[str, str]:
    """Name the schemes of local directories."""
    if kind != "artifact":
        return {}
    return {"file": "a local directory: file:///path, or a plain path"}
