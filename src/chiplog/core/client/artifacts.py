"""The client's methods on artifacts: storing, listing and downloading files of a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chiplog.core.artifacts.paths import check_directory, join
from chiplog.core.runs import active

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from chiplog.core.entities import FileInfo
    from chiplog.core.runs.writer import RunWriter


class ArtifactMethods:
    """Files of runs, by the runs' ids. Each call returns when the files are stored."""

    tracking_uri: str

    def log_artifact(
        self,
        run_id: str,
        local_path: str | os.PathLike[str],
        artifact_path: str | None = None,
    ) -> None:
        """Store a local file, or a directory under its own name, among a run's artifacts."""
        put_file(self._pen(run_id), local_path, artifact_path)

    def log_artifacts(
        self,
        run_id: str,
        local_dir: str | os.PathLike[str],
        artifact_path: str | None = None,
    ) -> None:
        """Store the contents of a local directory among a run's artifacts."""
        put_directory(self._pen(run_id), local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store a text as a file, in UTF-8."""
        put_text(self._pen(run_id), text, artifact_file)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Store a dict or list: as YAML if the name ends in ``.yml`` or ``.yaml``, else as JSON."""
        put_dict(self._pen(run_id), dictionary, artifact_file)

    def log_stream(self, run_id: str, stream: BinaryIO, artifact_file: str) -> None:
        """Store what a binary stream still holds."""
        put_stream(self._pen(run_id), stream, artifact_file)

    def log_figure(
        self,
        run_id: str,
        figure: Any,
        artifact_file: str,
        *,
        save_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        """Store a figure of matplotlib or plotly, in the format its file's name ends in."""
        put_figure(self._pen(run_id), figure, artifact_file, save_kwargs)

    def log_image(
        self,
        run_id: str,
        image: Any,
        artifact_file: str | None = None,
        key: str | None = None,
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> None:
        """Store an image under a name, or under ``key`` as one of a series along the steps."""
        put_image(self._pen(run_id), image, artifact_file, key, step, timestamp)

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Store a dict or DataFrame as a table; appends to one that exists."""
        put_table(self._pen(run_id), data, artifact_file)

    def load_table(
        self,
        experiment_id: str,
        artifact_file: str,
        run_ids: Sequence[str] | None = None,
        extra_columns: Sequence[str] | None = None,
    ) -> Any:
        """A table as one DataFrame over runs, all of the experiment unless some are named."""
        return read_table(self.tracking_uri, experiment_id, artifact_file, run_ids, extra_columns)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """What lies directly in ``path`` among a run's artifacts."""
        from chiplog.core.artifacts.loading import list_artifacts

        return list_artifacts(run_id=run_id, artifact_path=path, tracking_uri=self.tracking_uri)

    def download_artifacts(
        self, run_id: str, path: str, dst_path: str | os.PathLike[str] | None = None
    ) -> str:
        """Bring a file or directory of a run here; hands back where it lies."""
        from chiplog.core.artifacts.loading import download_artifacts

        return download_artifacts(
            artifact_uri=None,
            run_id=run_id,
            artifact_path=path,
            dst_path=dst_path,
            tracking_uri=self.tracking_uri,
        )

    def _pen(self, run_id: str) -> RunWriter:
        return active.writer_for(run_id, self.tracking_uri)


def put_file(
    writer: RunWriter, local_path: str | os.PathLike[str], artifact_path: str | None
) -> None:
    """Store a local file, or a directory under its own name, among a run's artifacts.

    A symbolic link's target is stored under the link's name.
    """
    path = Path(os.path.abspath(local_path))  # noqa: PTH100 - drops '..' and keeps symlinks
    target = join(check_directory(artifact_path), path.name)
    if path.is_dir():
        writer.artifacts.put_directory(path, target)
    else:
        writer.artifacts.put_file(path, target)


def put_directory(
    writer: RunWriter, local_dir: str | os.PathLike[str], artifact_path: str | None
) -> None:
    """Store the contents of a local directory among a run's artifacts."""
    writer.artifacts.put_directory(Path(local_dir), artifact_path or None)


def put_text(writer: RunWriter, text: str, artifact_file: str) -> None:
    """Store a text as a file of a run."""
    from chiplog.core.artifacts.content import log_text

    log_text(writer.artifacts, text, artifact_file)


def put_dict(writer: RunWriter, dictionary: Any, artifact_file: str) -> None:
    """Store a dict or list as a YAML or JSON file of a run."""
    from chiplog.core.artifacts.content import log_dict

    log_dict(writer.artifacts, dictionary, artifact_file)


def put_stream(writer: RunWriter, stream: BinaryIO, artifact_file: str) -> None:
    """Store what a binary stream still holds as a file of a run."""
    from chiplog.core.artifacts.content import log_stream

    log_stream(writer.artifacts, stream, artifact_file)


def put_figure(
    writer: RunWriter, figure: Any, artifact_file: str, save_kwargs: Mapping[str, Any] | None
) -> None:
    """Store a figure as a file of a run."""
    from chiplog.core.artifacts.figures import log_figure

    log_figure(writer.artifacts, figure, artifact_file, save_kwargs=save_kwargs)


def put_image(
    writer: RunWriter,
    image: Any,
    artifact_file: str | None,
    key: str | None,
    step: int | None,
    timestamp: int | None,
) -> None:
    """Store an image as a file, or as one of a series of a run."""
    from chiplog.core.artifacts.images import log_image

    log_image(writer.artifacts, writer, image, artifact_file, key, step, timestamp)


def put_table(writer: RunWriter, data: Any, artifact_file: str) -> None:
    """Store a table as a file of a run."""
    from chiplog.core.artifacts.tables import log_table

    log_table(writer.artifacts, writer, data, artifact_file)


def read_table(
    uri: str,
    experiment_id: str,
    artifact_file: str,
    run_ids: Sequence[str] | None,
    extra_columns: Sequence[str] | None,
) -> Any:
    """A table as one DataFrame over runs, all of the experiment unless some are named."""
    from chiplog.core.artifacts.tables import load_table

    return load_table(uri, str(experiment_id), artifact_file, run_ids, extra_columns)
