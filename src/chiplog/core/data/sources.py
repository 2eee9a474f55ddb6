"""Where a data set comes from: the code of a run, a file, or a web address."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

from chiplog.core.context import run_context_tags
from chiplog.core.entities import Dataset as DatasetEntity
from chiplog.core.entities import DatasetInput
from chiplog.core.errors import ChiplogError, InvalidValue
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODE_TAGS: Final = "mlflow."
_DOWNLOAD_TIMEOUT: Final = 60  # seconds without a byte


class DatasetSource:
    """Where a data set comes from. Its fields are plain JSON."""

    source_type: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """The fields as they are recorded."""
        raise NotImplementedError

    def to_json(self) -> str:
        """The fields as JSON text."""
        return json.dumps(self.to_dict())

    def load(self, dst_path: str | None = None) -> Any:
        """Bring the data here; hands back the local path."""
        raise NotImplementedError

    def get_source_type(self) -> str:
        """The kind under which it is recorded, such as ``code``, ``local``, ``http`` or ``s3``."""
        return self.source_type

    _get_source_type = get_source_type  # MLflow's name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_dict()!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DatasetSource)
            and self.get_source_type() == other.get_source_type()
            and self.to_dict() == other.to_dict()
        )

    def __hash__(self) -> int:
        return hash((self.get_source_type(), self.to_json()))


class CodeDatasetSource(DatasetSource):
    """The code that made the data, known by the tags of its run's context."""

    source_type = "code"

    def __init__(self, tags: Mapping[str, str] | None = None) -> None:
        found = run_context_tags() if tags is None else tags
        self.tags = {key: value for key, value in found.items() if key.startswith(_CODE_TAGS)}

    def to_dict(self) -> dict[str, Any]:
        """The tags."""
        return {"tags": self.tags}

    def load(self, dst_path: str | None = None) -> Any:  # noqa: ARG002 - as every source's
        """Raises ChiplogError: code says where data was made, not where it lies."""
        raise ChiplogError(
            "This data set was made by code and has no place to load it from. "
            "Give source='path or URI' when you make it."
        )


class HTTPDatasetSource(DatasetSource):
    """A web address."""

    source_type = "http"

    def __init__(self, url: str) -> None:
        self.url = url

    def to_dict(self) -> dict[str, Any]:
        """The address."""
        return {"url": self.url}

    def load(self, dst_path: str | None = None) -> str:
        """Download the file into a directory, a new one by default; hands back its path."""
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"}:
            raise InvalidValue(f"{self.url!r} is no web address; it must begin with http(s)://.")
        name = Path(unquote(parts.path)).name or "data"
        directory = Path(dst_path or tempfile.mkdtemp(prefix="chiplog-"))
        directory.mkdir(parents=True, exist_ok=True)
        target = directory / name
        try:
            with (
                urllib.request.urlopen(self.url, timeout=_DOWNLOAD_TIMEOUT) as answer,  # noqa: S310 - checked
                target.open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)
        except OSError as error:
            target.unlink(missing_ok=True)
            raise ChiplogError(f"Cannot download the data set {self.url!r}: {error}.") from error
        return str(target)


class FileDatasetSource(DatasetSource):
    """A file or directory: a local path, an artifact of a run, or a URI that a store opens."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def get_source_type(self) -> str:
        """``local`` for paths and ``file:`` URIs, else the URI's scheme."""
        scheme = urlsplit(self.uri).scheme
        return "local" if len(scheme) <= 1 or scheme == "file" else scheme

    _get_source_type = get_source_type

    def to_dict(self) -> dict[str, Any]:
        """The URI."""
        return {"uri": self.uri}

    def load(self, dst_path: str | None = None) -> str:
        """Copy the data into a directory, a new one by default; hands back its path."""
        if self.get_source_type() in {"runs", "models"}:
            from chiplog.core.artifacts.loading import download_artifacts

            return download_artifacts(self.uri, dst_path=dst_path)
        parent, _, name = self.uri.rstrip("/").rpartition("/")
        local = self.get_source_type() == "local"
        if local and not self.uri.startswith("file:"):
            path = Path(self.uri).absolute()
            parent, name = str(path.parent), path.name
        directory = Path(dst_path or tempfile.mkdtemp(prefix="chiplog-"))
        name = unquote(name) if self.uri.startswith("file:") else name
        return str(open_artifact_store(parent or "/").download(name, directory))


def resolve_source(source: object) -> DatasetSource:
    """The source that an object names: None is the running code; a path, URI or source itself."""
    if source is None:
        return CodeDatasetSource()
    if isinstance(source, DatasetSource):
        return source
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        if isinstance(text, str) and text:
            is_web = urlsplit(text).scheme in {"http", "https"}
            return HTTPDatasetSource(text) if is_web else FileDatasetSource(text)
    raise InvalidValue(
        f"A data set's source must be a path, a URI or a DatasetSource, not {source!r}."
    )


def source_from_json(source_type: str, text: str) -> DatasetSource:
    """Read a recorded source; raises InvalidValue for a kind that is not known here."""
    try:
        fields = json.loads(text)
        if source_type == "code":
            return CodeDatasetSource(fields["tags"])
        if source_type == "http":
            return HTTPDatasetSource(fields["url"])
        if source_type == "hugging_face":
            from chiplog.core.data.huggingface import HuggingFaceDatasetSource

            return HuggingFaceDatasetSource.from_dict(fields)
        if "uri" in fields:
            return FileDatasetSource(fields["uri"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidValue(f"The data set's source {text!r} cannot be read: {error}.") from error
    raise InvalidValue(
        f"Data sets of the source type {source_type!r} cannot be loaded here; known are code, "
        "http, hugging_face, local, and URIs of artifact stores."
    )


def get_source(dataset: Any) -> DatasetSource:
    """The source of a data set, of a run's input, or of a recorded data set."""
    if isinstance(dataset, DatasetInput):
        dataset = dataset.dataset
    if isinstance(dataset, DatasetEntity):
        return source_from_json(dataset.source_type, dataset.source)
    source = getattr(dataset, "source", None)
    if isinstance(source, DatasetSource):
        return source
    raise InvalidValue(f"{dataset!r} is no data set and has no source.")
