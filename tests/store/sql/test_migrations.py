"""From every released schema to this one, with a stored database of each."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from chiplog.core.errors import StoreError
from chiplog.store.sql import migrations, schema
from chiplog.store.sql.store import SqlTrackingStore
from chiplog.testing.store_kit import Pen

STORED = sorted((Path(__file__).parent / "databases").glob("*.sql"))

NOW = schema.HEAD
NEXT = f"{int(NOW) + 1:04}"

STEP = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{NOW}"

def upgrade():
    op.add_column("runs", sa.Column("colour", sa.Text(), nullable=True))
    op.execute("UPDATE runs SET colour = 'red'")
"""

BROKEN_STEP = STEP.replace("colour = 'red'", "nonsense = 'red'")


def restore(script: Path, path: Path) -> None:
    """Make the database that a file of SQL holds."""
    with sqlite3.connect(path) as connection:
        connection.executescript(script.read_text())
    connection.close()


def definitions(path: Path) -> dict[str, str]:
    """Every table and index by name, white space aside."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        found = {name: " ".join(sql.split()) for name, sql in rows}
    connection.close()
    return found


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(sql).fetchall()
    connection.close()
    return found


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chiplog with one more version than this one; the file of its step."""
    versions = tmp_path / "versions"
    versions.mkdir()
    for script in migrations.VERSIONS.glob("v*.py"):
        (versions / script.name).write_text(script.read_text())
    step = versions / "next_colours.py"
    step.write_text(STEP)
    monkeypatch.setattr(migrations, "VERSIONS", versions)
    monkeypatch.setattr(schema, "HEAD", NEXT)
    return step


def test_the_newest_migration_is_the_schemas_version() -> None:
    scripts = ScriptDirectory(
        str(migrations.VERSIONS.parent), version_locations=[str(migrations.VERSIONS)]
    )
    assert scripts.get_current_head() == schema.HEAD
    assert STORED[-1].stem == schema.HEAD


@pytest.mark.parametrize("script", STORED, ids=lambda script: script.stem)
def test_a_stored_database_becomes_one_of_today(script: Path, tmp_path: Path) -> None:
    restore(script, tmp_path / "old.db")
    SqlTrackingStore(f"sqlite:///{tmp_path}/old.db").close()
    SqlTrackingStore(f"sqlite:///{tmp_path}/new.db").close()
    assert definitions(tmp_path / "old.db") == definitions(tmp_path / "new.db")


@pytest.mark.parametrize("script", STORED, ids=lambda script: script.stem)
def test_a_stored_database_reads_and_writes(script: Path, tmp_path: Path) -> None:
    restore(script, tmp_path / "old.db")
    store = SqlTrackingStore(f"sqlite:///{tmp_path}/old.db")
    run = store.get_run("journal0001")
    assert run.info.run_name == "stored"
    assert run.data.params == {"lr": "0.1", "long": "x" * 200}
    assert run.data.tags["note"] == "kept"
    assert run.data.metrics["accuracy"] == 0.9
    (loss,) = store.get_points("journal0001", "loss")
    assert loss.values.tolist() == [1.0 / (step + 1) for step in range(1500)]
    (late,) = store.get_points("journal0001", "late")
    assert late.steps.tolist() == [0, 1, 2]
    assert store.get_document("journal0001", "receipt") == b"{}"
    assert store.get_logged_model("m-1").name == "net"
    assert store.get_experiment_by_name("other") is not None
    assert [
        run.info.run_id for run in store.search_runs(["0"], "params.lr = '0.1'", 1, 9, None, None)
    ]
    Pen(store, "new").run()


def test_an_older_database_is_brought_forward_when_it_is_opened(
    path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HEAD", NOW)
    store = SqlTrackingStore(f"sqlite:///{path}")
    run_id = Pen(store).run()
    store.close()
    monkeypatch.setattr(schema, "HEAD", NEXT)
    store = SqlTrackingStore(f"sqlite:///{path}")
    assert store.get_run(run_id).info.run_id == run_id
    assert query(path, "SELECT colour FROM runs") == [("red",)]
    assert query(path, "SELECT version_num FROM chiplog_version") == [(NEXT,)]
    monkeypatch.setattr(schema, "HEAD", NOW)
    with pytest.raises(StoreError, match="newer chiplog"):
        SqlTrackingStore(f"sqlite:///{path}")


def test_a_migration_that_fails_changes_nothing(
    path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HEAD", NOW)
    store = SqlTrackingStore(f"sqlite:///{path}")
    run_id = Pen(store).run()
    store.close()
    before = definitions(path)
    monkeypatch.setattr(schema, "HEAD", NEXT)
    next_version.write_text(BROKEN_STEP)
    with pytest.raises(Exception, match="nonsense"):
        SqlTrackingStore(f"sqlite:///{path}")
    assert definitions(path) == before
    monkeypatch.setattr(schema, "HEAD", NOW)
    assert SqlTrackingStore(f"sqlite:///{path}").get_run(run_id).info.run_id == run_id


def _open(path: Path, go: Path) -> None:
    while not go.exists():
        pass
    store = SqlTrackingStore(f"sqlite:///{path}")
    assert store.get_experiment("0").name == "Default"


def test_processes_that_open_an_older_database_at_once_all_succeed(
    tmp_path: Path, path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HEAD", NOW)
    SqlTrackingStore(f"sqlite:///{path}").close()
    monkeypatch.setattr(schema, "HEAD", NEXT)
    context = multiprocessing.get_context("fork")
    go = tmp_path / "go"
    processes = [context.Process(target=_open, args=(path, go)) for _ in range(4)]
    for process in processes:
        process.start()
    go.touch()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert query(path, "SELECT version_num FROM chiplog_version") == [(NEXT,)]
