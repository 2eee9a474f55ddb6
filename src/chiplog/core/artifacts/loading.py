"""Artifacts by URI or run: listing, downloading, reading.

An artifact's URI is ``runs:/<run id>/<path>``, ``models:/<model id>/<path>``, a path, or a URI that
an artifact store opens.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec
import yaml

from chiplog.core.artifacts.images import pillow
from chiplog.core.artifacts.paths import check_directory
from chiplog.core.autolog import deferred
from chiplog.core.errors import BadContent, InvalidValue
from chiplog.core.location import normalise
from chiplog.core.runs.active import store_uri
from chiplog.core.runs.reading import readable_store
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from chiplog.core.entities import FileInfo
    from chiplog.core.stores import ArtifactStore

# What a training of this process has still to draw or write, before it is looked for.
_SECONDS_TO_FINISH = 30.0


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | os.PathLike[str] | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,  # noqa: ARG001 - for a registry to come
) -> str:
    """Copy a file or directory into ``dst_path``, a new directory by default.

    Give either ``artifact_uri``, or ``run_id`` with or without ``artifact_path``. Hands back the
    path of the copy; raises NotFound for what is not there.
    """
    store, path = locate(artifact_uri, run_id, artifact_path, tracking_uri)
    destination = Path(dst_path) if dst_path else Path(tempfile.mkdtemp(prefix="chiplog-"))
    return str(store.download(path, destination.absolute()))


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """What lies directly in a directory, by name; empty for a file and for what is not there."""
    store, path = locate(artifact_uri, run_id, artifact_path, tracking_uri)
    return store.list(path or None)


def load_text(artifact_uri: str) -> str:
    """The text of an artifact; raises BadContent (a ValueError) if it is not UTF-8."""
    try:
        return _read(artifact_uri).decode()
    except UnicodeDecodeError as error:
        raise BadContent(
            f"The artifact {artifact_uri!r} is not valid UTF-8: {error}. Get the file by "
            "download_artifacts() and open it with its own encoding."
        ) from error


def load_dict(artifact_uri: str) -> Any:
    """The dict or list that a JSON or YAML artifact holds."""
    text = load_text(artifact_uri)
    try:
        if artifact_uri.lower().endswith((".yml", ".yaml")):
            return yaml.safe_load(text)
        return _json(text)
    except (ValueError, yaml.YAMLError) as error:
        raise BadContent(
            f"The artifact {artifact_uri!r} holds no JSON or YAML: {error}."
        ) from error


def load_image(artifact_uri: str) -> PILImage:
    """An image artifact as PIL's image."""
    pil = pillow("load_image()")
    try:
        picture: PILImage = pil.open(io.BytesIO(_read(artifact_uri)))
        picture.load()
    except (OSError, ValueError) as error:
        raise BadContent(f"The artifact {artifact_uri!r} is no image: {error}.") from error
    return picture


def locate(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> tuple[ArtifactStore, str]:
    """The store that holds an artifact, and its path there; '' is the root."""
    deferred.flush(_SECONDS_TO_FINISH)
    if (artifact_uri is None) == (run_id is None):
        raise InvalidValue(
            "Give exactly one of artifact_uri and run_id; "
            f"got artifact_uri={artifact_uri!r}, run_id={run_id!r}."
        )
    if run_id is not None:
        return _in_run(run_id, artifact_path or "", tracking_uri)
    if artifact_path is not None:
        raise InvalidValue(
            f"artifact_path={artifact_path!r} goes with run_id; put it into the artifact_uri."
        )
    uri = os.fspath(artifact_uri or "")
    scheme, _, rest = uri.partition(":/")
    if scheme in {"runs", "models"} and rest:
        owner, _, path = rest.strip("/").partition("/")
        in_owner = _in_run if scheme == "runs" else _in_model
        return in_owner(owner, path, tracking_uri)
    return _beside(uri)


def _in_run(run_id: str, path: str, tracking_uri: str | None) -> tuple[ArtifactStore, str]:
    checked = check_directory(path)
    run = readable_store(_tracking(tracking_uri)).get_run(run_id)
    return open_artifact_store(run.info.artifact_uri or ""), checked


def _in_model(model_id: str, path: str, tracking_uri: str | None) -> tuple[ArtifactStore, str]:
    checked = check_directory(path)
    model = readable_store(_tracking(tracking_uri)).get_logged_model(model_id)
    return open_artifact_store(model.artifact_location), checked


def _tracking(tracking_uri: str | None) -> str:
    return store_uri() if tracking_uri is None else normalise(tracking_uri)


def _beside(uri: str) -> tuple[ArtifactStore, str]:
    """An artifact by its own path or URI: the folder it lies in as the store."""
    parts = urlsplit(uri)
    if len(parts.scheme) > 1:
        parent, _, name = uri.rstrip("/").rpartition("/")
        if not name or parent.endswith((":", ":/")):
            raise InvalidValue(f"The artifact URI {uri!r} names no file or directory.")
        return open_artifact_store(parent), unquote(name) if parts.scheme == "file" else name
    if not uri:
        raise InvalidValue("The artifact URI is empty; give runs:/<run id>/<path>, or a path.")
    path = Path(uri).expanduser().absolute()
    return open_artifact_store(str(path.parent)), path.name


def _read(artifact_uri: str) -> bytes:
    store, path = locate(artifact_uri)
    with store.open(path) as file:
        return file.read()


def _json(text: str) -> Any:
    """JSON, also with the NaN and Infinity that Python writes."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)
