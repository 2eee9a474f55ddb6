"""Texts, documents and streams as artifacts."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import yaml

from chiplog.core.artifacts.paths import check_path
from chiplog.core.errors import BadContent, WrongType

if TYPE_CHECKING:
    from chiplog.core.stores import ArtifactStore

_CHUNK: Final = 1 << 20
_IN_MEMORY: Final = 8 << 20


def log_text(store: ArtifactStore, text: str, artifact_file: str) -> None:
    """Store a text, as UTF-8."""
    check_path(artifact_file)
    if not isinstance(text, str):
        raise WrongType(
            f"log_text({artifact_file!r}) needs a string, not a {type(text).__name__}; "
            "give str(...) of it, or use log_dict() or log_stream()."
        )
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise BadContent(f"The text for {artifact_file!r} is not valid Unicode: {error}.") from None
    store.put_bytes(data, artifact_file)


def log_dict(store: ArtifactStore, dictionary: Any, artifact_file: str) -> None:
    """Store a dict or list: YAML if the name ends in ``.yml`` or ``.yaml``, else indented JSON.

    What the format does not know is stored as its ``str()``.
    """
    check_path(artifact_file)
    try:
        if artifact_file.lower().endswith((".yml", ".yaml")):
            text = yaml.dump(
                dictionary,
                Dumper=_Dumper,
                default_flow_style=False,
                allow_unicode=True,
                sort_keys=False,
            )
        else:
            text = json.dumps(dictionary, indent=2, default=str)
        data = text.encode()
    except (TypeError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise BadContent(f"The dict for {artifact_file!r} cannot be written: {error}.") from error
    store.put_bytes(data, artifact_file)


def log_stream(store: ArtifactStore, stream: BinaryIO, artifact_file: str) -> None:
    """Store what a binary stream still holds; beyond 8 MiB it passes through a temporary file."""
    check_path(artifact_file)
    read = getattr(stream, "read", None)
    if read is None:
        raise WrongType(
            f"log_stream({artifact_file!r}) needs an object with read(), not a "
            f"{type(stream).__name__}."
        )
    chunks: list[bytes] = []
    size = 0
    while size <= _IN_MEMORY:
        chunk = _chunk(read, artifact_file)
        if not chunk:
            store.put_bytes(b"".join(chunks), artifact_file)
            return
        chunks.append(chunk)
        size += len(chunk)
    with tempfile.TemporaryDirectory(prefix="chiplog-") as directory:
        file = Path(directory) / "stream"
        with file.open("wb") as target:
            target.writelines(chunks)
            chunks.clear()
            while chunk := _chunk(read, artifact_file):
                target.write(chunk)
        store.put_file(file, artifact_file)


def _chunk(read: Any, artifact_file: str) -> bytes:
    chunk = read(_CHUNK)
    if chunk is None or chunk == "":
        return b""
    if not isinstance(chunk, (bytes, bytearray, memoryview)):
        raise WrongType(
            f"The stream for {artifact_file!r} gives {type(chunk).__name__}, not bytes; "
            "open it in binary mode, or use log_text()."
        )
    return bytes(chunk)


class _Dumper(yaml.SafeDumper):
    """Writes plain YAML: no references to Python types, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - yaml's signature
        return True


def _represent_other(dumper: yaml.SafeDumper, value: object) -> yaml.Node:
    if isinstance(value, dict):
        return dumper.represent_dict(value)
    if isinstance(value, (list, tuple)):
        return dumper.represent_list(list(value))
    if isinstance(value, float):  # a subclass, such as numpy's
        return dumper.represent_float(float(value))
    if isinstance(value, int):
        return dumper.represent_int(int(value))
    return dumper.represent_str(str(value))


_Dumper.add_multi_representer(object, _represent_other)
