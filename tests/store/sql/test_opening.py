"""Opening: fresh, again, at once by many, and what is refused."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chiplog.core.entities import ViewType
from chiplog.core.errors import InvalidValue, StoreError, StoreUnavailable
from chiplog.core.records import Batch, RunStarted
from chiplog.store.sql import schema
from chiplog.store.sql.places import warn_of_local_files
from chiplog.store.sql.store import SqlTrackingStore
from chiplog.testing.store_kit import Pen

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.records import Record


def opened(path: Path) -> SqlTrackingStore:
    return SqlTrackingStore(f"sqlite:///{path}")


def test_a_fresh_path_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "deep" / ".chiplog" / "chiplog.db"
    store = opened(path)
    assert store.uri == f"sqlite:///{path}"
    assert store.journal_directory == path.parent / "journals"
    assert store.get_experiment("0").artifact_location == str(path.parent / "artifacts" / "0")
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_database_elsewhere_keeps_what_belongs_to_it_in_a_folder_of_its_own(
    tmp_path: Path,
) -> None:
    """Two in one folder do not share files, of which a collection would take both's."""
    folder = tmp_path / "mine"
    for name in ("a.db", "b.db"):
        store = opened(folder / name)
        files = folder / f"{name}-files"
        assert store.journal_directory == files / "journals"
        assert store.get_experiment("0").artifact_location == str(files / "artifacts" / "0")
        store.close()
    assert {path.name for path in folder.iterdir()} == {"a.db", "b.db", "a.db-files", "b.db-files"}


def test_a_server_whose_files_lie_on_one_machine_is_told(
    store: SqlTrackingStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of a SQLite store here, and by the first batch that goes to a server."""

    def warn() -> list[str]:
        caplog.clear()
        store._database.read(lambda tx: warn_of_local_files(tx, store._database, store._places))
        return caplog.messages

    (message,) = warn()
    assert "'Default' in " in message
    assert "CHIPLOG_DEFAULT_ARTIFACT_ROOT" in message
    monkeypatch.setenv("CHIPLOG_DEFAULT_ARTIFACT_ROOT", "s3://bucket")
    store.create_experiment("shared", None, {})
    assert "'Default' in " in warn()[0]
    store.delete_experiment("0")
    assert warn() == []


@pytest.mark.parametrize("root", ["s3://bucket/files/", "files"])
def test_new_experiments_keep_their_files_where_a_setting_says(
    path: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = opened(path)
    made_before = before.create_experiment("before", None, {})
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("CHIPLOG_DEFAULT_ARTIFACT_ROOT", root)
    store = opened(path)
    experiment = store.create_experiment("after", None, {})
    own = store.create_experiment("own", "s3://own", {})
    fresh = opened(path.with_name("fresh.db"))
    monkeypatch.delenv("CHIPLOG_DEFAULT_ARTIFACT_ROOT")
    there = "s3://bucket/files" if ":" in root else str(path.parent / "files")
    assert store.get_experiment(experiment).artifact_location == f"{there}/{experiment}"
    assert fresh.get_experiment("0").artifact_location == f"{there}/0"
    assert store.get_experiment(own).artifact_location == "s3://own"
    assert str(store.get_experiment(made_before).artifact_location).endswith("files/artifacts/1")


def test_a_relative_uri_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqlTrackingStore("sqlite:///runs.db")
    monkeypatch.chdir("/")
    assert store.uri == f"sqlite:///{tmp_path}/runs.db"
    store.create_experiment("e", None, {})
    assert opened(tmp_path / "runs.db").get_experiment_by_name("e") is not None


def test_what_was_written_is_there_when_opened_again(path: Path) -> None:
    store = opened(path)
    run_id = Pen(store).run(params={"a": "1"}, metrics={"m": 1.0})
    before = store.get_run(run_id)
    store.close()
    assert opened(path).get_run(run_id) == before
    assert opened(path).cursor("journal") > 0


def test_a_moved_folder_takes_its_artifacts_along(tmp_path: Path) -> None:
    store = opened(tmp_path / "before" / "runs.db")
    run_id = Pen(store).run()
    store.close()
    shutil.move(tmp_path / "before", tmp_path / "after")
    uri = opened(tmp_path / "after" / "runs.db").get_run(run_id).info.artifact_uri
    assert uri == f"{tmp_path}/after/runs.db-files/artifacts/0/{run_id}/artifacts"


def _start_and_write(path: str, number: int, go: Path) -> None:
    while not go.exists():
        pass
    store = SqlTrackingStore(f"sqlite:///{path}")
    store.create_experiment(f"e{number}", None, {})
    start = RunStarted(f"run{number}", experiment_id="0", user_id="", start_time=0, name="n")
    for step in range(5):
        records: list[Record] = [start] if step == 0 else []
        store.apply(Batch(f"j{number}", 32 * step, 32 * (step + 1), records, []))


def test_processes_that_start_at_once_on_a_fresh_path_all_succeed(tmp_path: Path) -> None:
    count = 12
    path, go = tmp_path / "new" / "runs.db", tmp_path / "go"
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_start_and_write, args=(str(path), number, go))
        for number in range(count)
    ]
    for process in processes:
        process.start()
    go.touch()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count
    store = opened(path)
    assert len(store.search_runs(["0"], "", ViewType.ALL, 100, None, None)) == count
    assert len(store.search_experiments(ViewType.ALL, 100, None, None, None)) == count + 1


def test_a_forked_child_uses_the_store_it_inherited(path: Path) -> None:
    store = opened(path)
    parent = Pen(store, "parent")
    run_id = parent.run(status=None)
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(target=lambda number=number: Pen(store, f"child{number}").run())
        for number in range(3)
    ]
    for child in children:
        child.start()
    parent.run()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert len(store.search_runs(["0"], "", ViewType.ALL, 100, None, None)) == 5
    assert store.get_run(run_id).info.status == "RUNNING"


def test_opening_imports_neither_alembic_nor_a_framework(path: Path) -> None:
    code = (
        "import sys; from chiplog.store.sql.store import SqlTrackingStore; "
        f"SqlTrackingStore('sqlite:///{path}'); "
        "sys.exit(any(name in sys.modules for name in ('alembic', 'pandas', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def snapshot(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def _no_database(path: Path) -> None:
    path.write_text("these are my notes\n" * 100)


def _torn_database(path: Path) -> None:
    opened(path).close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def _mlflow_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        for table in ("alembic_version", "experiments", "runs", "metrics"):
            connection.execute(f"CREATE TABLE {table} (x)")
    connection.close()


def _other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def _newer_database(path: Path) -> None:
    opened(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chiplog_version SET version_num = '0999'")
    connection.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_no_database, ["no SQLite database", "Nothing was changed"]),
        (_torn_database, ["damaged", ".recover"]),
        (_mlflow_database, ["MLflow database", "Name another file"]),
        (_other_database, ["recipes", "another program"]),
        (_newer_database, ["0999", schema.HEAD, "pip install -U chiplog"]),
    ],
)
def test_what_is_no_store_of_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], words: list[str]
) -> None:
    path = tmp_path / "runs.db"
    make(path)
    before = snapshot(tmp_path)
    with pytest.raises(StoreError) as caught:
        opened(path).get_experiment("0")
    message = str(caught.value)
    assert str(path) in message
    assert [word for word in words if word not in message] == []
    after = snapshot(tmp_path)
    assert after["runs.db"] == before["runs.db"]


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="it is a directory"):
        opened(tmp_path)


def test_a_path_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        opened(tmp_path / "file" / "runs.db")


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(uri: str) -> None:
    with pytest.raises(InvalidValue, match="in memory"):
        SqlTrackingStore(uri)


def test_a_full_disk_is_an_error_that_passes(path: Path, store: SqlTrackingStore, pen: Pen) -> None:
    run_id = pen.run()
    with store._database.engine.connect() as connection:  # the one a store with one thread has
        connection.exec_driver_sql("PRAGMA max_page_count = 10")
    with pytest.raises(StoreUnavailable) as caught:
        pen.run(params={f"p{number}": "x" * 5000 for number in range(100)})
    assert "no space left" in str(caught.value)
    assert str(path) in str(caught.value)
    store.close()
    assert store.get_run(run_id).info.run_id == run_id
    pen.position = store.cursor(pen.journal_id)
    pen.run(params={"after": "free space"})


def test_a_lock_held_by_another_is_waited_for(
    path: Path, store: SqlTrackingStore, pen: Pen
) -> None:
    code = (
        f"import sqlite3, time; c = sqlite3.connect({str(path)!r}, isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); time.sleep(0.5);"
        "c.execute('COMMIT')"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        run_id = pen.run()
    assert store.get_run(run_id).info.run_id == run_id


def test_a_lock_that_is_never_let_go_is_an_error_that_says_so(
    path: Path, store: SqlTrackingStore, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chiplog.store.sql.engine.BUSY_SECONDS", 0.0)
    monkeypatch.setattr("chiplog.store.sql.engine._DRIVER_WAIT", 0.05)
    store.close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="Another process has been writing"):
            pen.run()
        other.execute("ROLLBACK")
    other.close()
    pen.run()


def _read_and_try_to_write(path: Path, run_id: str) -> None:
    if os.geteuid() == 0:
        os.setuid(65534)  # root may write everywhere
    store = opened(path)
    assert store.get_run(run_id).info.run_id == run_id
    assert len(store.search_runs(["0"], "", ViewType.ALL, 100, None, None)) == 1
    for write in (
        lambda: store.delete_run(run_id),
        lambda: Pen(store, "another").run(),
        lambda: store.create_experiment("e", None, {}),
    ):
        with pytest.raises(StoreUnavailable, match="read-only"):
            write()
    if not os.access(path.parent, os.W_OK):
        with pytest.raises(StoreUnavailable, match=r"new\.db"):
            opened(path.with_name("new.db"))


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o444, 0o777)])
def test_a_read_only_store_can_be_read_and_says_that_it_cannot_be_written(
    file_mode: int, folder_mode: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        path = folder / "runs.db"
        store = opened(path)
        run_id = Pen(store).run()
        store.close()
        path.chmod(file_mode)
        folder.chmod(folder_mode)
        try:
            context = multiprocessing.get_context("fork")
            child = context.Process(target=_read_and_try_to_write, args=(path, run_id))
            child.start()
            child.join()
        finally:
            folder.chmod(0o777)
    assert child.exitcode == 0
