"""Tables as artifacts: JSON in pandas' ``split`` form, or Parquet. A second call appends."""

from __future__ import annotations

import json
import os
import threading
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from chiplog.core.artifacts import parquet
from chiplog.core.artifacts.cells import Table, columns_of, read_json, write_json
from chiplog.core.artifacts.images import is_image, png_and_thumbnail
from chiplog.core.artifacts.paths import check_path
from chiplog.core.entities import ViewType
from chiplog.core.errors import BadContent, InvalidValue, MissingLibrary, NotFound
from chiplog.core.runs.reading import readable_store
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chiplog.core.entities import Run
    from chiplog.core.stores import ArtifactStore

LOGGED_ARTIFACTS_TAG: Final = "mlflow.loggedArtifacts"

_appending = threading.Lock()


def _after_fork() -> None:
    """Let go, in a forked child, of a lock that a thread of the parent may have held."""
    global _appending  # noqa: PLW0603 - one per process
    _appending = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class TableWriter(Protocol):
    """What is needed of a run to list its tables in a tag; a RunWriter is one."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""

    def tag(self, key: str) -> str | None:
        """One of its tags, with everything recorded so far."""


def log_table(store: ArtifactStore, writer: TableWriter, data: Any, artifact_file: str) -> None:
    """Store a table, or append to the one that is there.

    ``data`` is a dict of columns or a DataFrame. Columns that one side lacks are filled with
    nulls. Images in cells are stored beside the table and named by it. The name must end in
    ``.json`` or ``.parquet``, else BadContent (a ValueError). Appending is safe between the
    threads of one process; of two processes that append at once, one may win.
    """
    check_path(artifact_file)
    form = _format(artifact_file)
    table = columns_of(data)
    _store_images(store, table, artifact_file)
    with _appending:
        before = _existing(store, artifact_file)
        if form == ".json":
            known = None if before is None else read_json(before, artifact_file)
            store.put_bytes(write_json(table.after(known), artifact_file), artifact_file)
        else:
            store.put_bytes(parquet.encode(table, before, artifact_file), artifact_file)
        if before is None:
            _list_in_tag(writer, artifact_file)


def load_table(
    uri: str,
    experiment_id: str,
    artifact_file: str,
    run_ids: Sequence[str] | None = None,
    extra_columns: Sequence[str] | None = None,
) -> Any:
    """The table of that name of all the runs that have one, as one pandas DataFrame.

    Looks at the runs named, else at those of the experiment, latest first. ``extra_columns`` names
    columns of ``search_runs`` to add, such as ``run_id`` or ``params.lr``; one that the table has
    already gets a ``_`` at its end. Raises NotFound if no run has the table.
    """
    pandas = _pandas(artifact_file)
    form = _format(check_path(artifact_file))
    frames = []
    for run in _candidates(uri, experiment_id, artifact_file, run_ids):
        if artifact_file not in _listed(run.data.tags.get(LOGGED_ARTIFACTS_TAG)):
            continue
        data = _existing(open_artifact_store(run.info.artifact_uri or ""), artifact_file)
        if data is None:
            continue
        if form == ".json":
            table = read_json(data, artifact_file)
            frame = pandas.DataFrame(table.rows(), columns=table.names)
        else:
            frame = parquet.decode(data, artifact_file)
        for name in extra_columns or ():
            target = f"{name}_" if name in frame.columns else name
            frame[target] = _run_value(pandas, run, name)
        frames.append(frame)
    if not frames:
        raise NotFound(
            f"No run has the table {artifact_file!r}. Name runs by run_ids, or set the experiment "
            "that has it by set_experiment()."
        )
    return pandas.concat(frames, ignore_index=True)


def _candidates(
    uri: str, experiment_id: str, artifact_file: str, run_ids: Sequence[str] | None
) -> Iterator[Run]:
    store = readable_store(uri)
    if run_ids is not None:
        yield from (store.get_run(run_id) for run_id in run_ids)
        return
    clause = f"tags.`{LOGGED_ARTIFACTS_TAG}` LIKE '%{artifact_file}%'"
    filter_string = "" if set(artifact_file) & set("'\"`\\") else clause
    token: str | None = None
    while True:
        page = store.search_runs(
            [experiment_id], filter_string, ViewType.ACTIVE_ONLY, 1000, None, token
        )
        yield from page
        token = page.token
        if not token:
            return


def _format(artifact_file: str) -> str:
    suffix = PurePosixPath(artifact_file).suffix
    if suffix not in {".json", ".parquet"}:
        raise BadContent(
            f"The table {artifact_file!r} must be named with '.json' or '.parquet' at its end."
        )
    return suffix


def _existing(store: ArtifactStore, artifact_file: str) -> bytes | None:
    try:
        with store.open(artifact_file) as file:
            return file.read()
    except NotFound:
        return None


def _store_images(store: ArtifactStore, table: Table, artifact_file: str) -> None:
    """Store the images in a table's cells, and put into each cell where its image lies."""
    folder = f"table_images/{PurePosixPath(artifact_file).with_suffix('')}"
    for values in table.columns:
        for row, value in enumerate(values):
            if is_image(value):
                png, webp = png_and_thumbnail(value)
                stem = f"{folder}/{uuid4()}"
                store.put_bytes(png, f"{stem}.png")
                store.put_bytes(webp, f"{stem}.webp")
                values[row] = {
                    "type": "image",
                    "filepath": f"{stem}.png",
                    "compressed_filepath": f"{stem}.webp",
                }


def _list_in_tag(writer: TableWriter, artifact_file: str) -> None:
    paths = _listed(writer.tag(LOGGED_ARTIFACTS_TAG))
    if artifact_file not in paths:
        entries = [{"path": path, "type": "table"} for path in (*paths, artifact_file)]
        writer.set_tags({LOGGED_ARTIFACTS_TAG: json.dumps(entries)})


def _listed(text: str | None) -> list[str]:
    """The tables that a run's tag lists."""
    try:
        entries = json.loads(text or "[]")
        return [entry["path"] for entry in entries if entry.get("type") == "table"]
    except (ValueError, TypeError, KeyError, AttributeError):  # a tag that was cut or is foreign
        return []


def _run_value(pandas: Any, run: Run, name: str) -> Any:
    """What ``search_runs`` has in the column ``name`` for a run."""
    kind, _, key = name.partition(".")
    parts: dict[str, Mapping[str, Any]] = {
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
    }
    if kind in parts and key:
        return parts[kind].get(key)
    if name in {"start_time", "end_time"}:
        time = getattr(run.info, name)
        return pandas.NaT if time is None else pandas.Timestamp(time, unit="ms", tz="UTC")
    if name in {"run_id", "experiment_id", "status", "artifact_uri"}:
        return getattr(run.info, name)
    raise InvalidValue(
        f"There is no column {name!r} to add. Known are run_id, experiment_id, status, "
        "artifact_uri, start_time, end_time, and params.<key>, metrics.<key>, tags.<key>."
    )


def _pandas(artifact_file: str) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingLibrary(
            f"load_table({artifact_file!r}) hands back a pandas DataFrame, and pandas is not "
            "installed.\n    pip install pandas"
        ) from error
    return pd
