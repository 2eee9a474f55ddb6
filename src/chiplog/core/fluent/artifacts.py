"""Artifacts of the active run: files, texts, figures, images and tables."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from chiplog.core import experiments
from chiplog.core.client.artifacts import (
    put_dict,
    put_directory,
    put_figure,
    put_file,
    put_image,
    put_stream,
    put_table,
    put_text,
    read_table,
)
from chiplog.core.fluent.recording import writer_to_use
from chiplog.core.runs import active

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

_log = logging.getLogger("chiplog")


def log_artifact(
    local_path: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
) -> None:
    """Store a local file, or a directory under its own name, among the run's artifacts."""
    put_file(writer_to_use(run_id), local_path, artifact_path)


def log_artifacts(
    local_dir: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
) -> None:
    """Store the contents of a local directory among the run's artifacts."""
    put_directory(writer_to_use(run_id), local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store a text as a file, in UTF-8."""
    put_text(writer_to_use(run_id), text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a dict or list: as YAML if the name ends in ``.yml`` or ``.yaml``, else as JSON."""
    put_dict(writer_to_use(run_id), dictionary, artifact_file)


def log_stream(stream: BinaryIO, artifact_file: str, run_id: str | None = None) -> None:
    """Store what a binary stream still holds."""
    put_stream(writer_to_use(run_id), stream, artifact_file)


def log_figure(
    figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None
) -> None:
    """Store a figure of matplotlib or plotly, in the format its file's name ends in."""
    put_figure(writer_to_use(), figure, artifact_file, save_kwargs)


def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,  # noqa: ARG001 - MLflow's signature
) -> None:
    """Store an image under a name, or under ``key`` as one of a series along the steps."""
    put_image(writer_to_use(), image, artifact_file, key, step, timestamp)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Store a dict or DataFrame as a ``.json`` or ``.parquet`` table, or append to it."""
    put_table(writer_to_use(run_id), data, artifact_file)


def load_table(
    artifact_file: str,
    run_ids: Sequence[str] | None = None,
    extra_columns: Sequence[str] | None = None,
) -> Any:
    """A table as one DataFrame over runs, all of the active experiment unless some are named."""
    uri = active.store_uri()
    return read_table(uri, experiments.active_id(uri), artifact_file, run_ids, extra_columns)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """The URI of the active run's artifacts, or of one of them; starts a run if there is none."""
    if active.current() is None:
        _log.warning("get_artifact_uri() was called without an active run, so one was started.")
    root = writer_to_use().artifact_uri
    return f"{root.rstrip('/')}/{artifact_path}" if artifact_path else root
