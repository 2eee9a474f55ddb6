"""Artifacts by URI or run: listing, downloading, reading.

An artifact's URI is ``runs:/<run id>/<path>`` (where the path may begin with the name of a model
that the run logged), ``models:/<model id>/<path>``, a path, or a URI that
an artifact store opens.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
import yaml

from chiplog.core import background
from chiplog.core.artifacts.images import pillow
from chiplog.core.artifacts.paths import check_directory, join
from chiplog.core.errors import BadContent, InvalidValue, NotFound
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
    store, path, model = locate(artifact_uri, run_id, artifact_path, tracking_uri)
    destination = Path(dst_path) if dst_path else Path(tempfile.mkdtemp(prefix="chiplog-"))
    if not path:
        destination /= model
    return str(store.download(path, destination.absolute()))


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """What lies directly in a directory, by name; empty for a file and for what is not there."""
    store, path, model = locate(artifact_uri, run_id, artifact_path, tracking_uri)
    found = store.list(path or None)
    if not model:
        return found
    return [msgspec.structs.replace(info, path=join(model, info.path)) for info in found]


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


class Place(NamedTuple):
    """Where an artifact lies: its store and its path there; '' is the root.

    ``model`` is set where the path began with the name of a logged model of a run, whose store it
    then is.
    """

    store: ArtifactStore
    path: str
    model: str = ""


def locate(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> Place:
    """Where an artifact lies, by its URI or its run and path."""
    background.flush(_SECONDS_TO_FINISH)
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


def _in_run(run_id: str, path: str, tracking_uri: str | None) -> Place:
    """A path among the run's own files; if nothing is there, in the run's model of that name."""
    checked = check_directory(path)
    store = readable_store(_tracking(tracking_uri))
    run = store.get_run(run_id)
    own = open_artifact_store(run.info.artifact_uri or "")
    outputs = run.outputs.model_outputs
    if not checked or not outputs or _is_there(own, checked):
        return Place(own, checked)
    name, _, rest = checked.partition("/")
    for output in reversed(outputs):
        with contextlib.suppress(NotFound):  # of a model that has been deleted
            model = store.get_logged_model(output.model_id)
            if model.name == name:
                return Place(open_artifact_store(model.artifact_location), rest, name)
    return Place(own, checked)


def _is_there(store: ArtifactStore, path: str) -> bool:
    return any(info.path == path for info in store.list(path.rpartition("/")[0] or None))


def _in_model(model_id: str, path: str, tracking_uri: str | None) -> Place:
    checked = check_directory(path)
    model = readable_store(_tracking(tracking_uri)).get_logged_model(model_id)
    return Place(open_artifact_store(model.artifact_location), checked)


def _tracking(tracking_uri: str | None) -> str:
    return store_uri() if tracking_uri is None else normalise(tracking_uri)


def _beside(uri: str) -> Place:
    """An artifact by its own path or URI: the folder it lies in as the store."""
    parts = urlsplit(uri)
    if len(parts.scheme) > 1:
        parent, _, name = uri.rstrip("/").rpartition("/")
        if not name or parent.endswith((":", ":/")):
            raise InvalidValue(f"The artifact URI {uri!r} names no file or directory.")
        plain = unquote(name) if parts.scheme == "file" else name
        return Place(open_artifact_store(parent), plain)
    if not uri:
        raise InvalidValue("The artifact URI is empty; give runs:/<run id>/<path>, or a path.")
    path = Path(uri).expanduser().absolute()
    return Place(open_artifact_store(str(path.parent)), path.name)


def _read(artifact_uri: str) -> bytes:
    store, path, _ = locate(artifact_uri)
    with store.open(path) as file:
        return file.read()


def _json(text: str) -> Any:
    """JSON, also with the NaN and Infinity that Python writes."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)
