"""From a URI to a database of this version: made, migrated, or refused with a reason.

Any number of processes may come at once. Who finds a database of the current version takes no lock;
making and migrating happen under a file lock, in one transaction.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from chiplog.core.clock import now_ms
from chiplog.core.entities import Experiment
from chiplog.core.errors import ChiplogError, InvalidValue
from chiplog.core.location import FOLDER, folder_of
from chiplog.store.sql import failures, schema
from chiplog.store.sql.engine import BUSY_SECONDS, Database
from chiplog.store.sql.experiments import default_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.store.sql.engine import Transaction

_FRESH: Final = ""
"""The version of a database without tables."""


def open_database(uri: str) -> Database:
    """Open a database, make or migrate it if need be; raises StoreError or StoreUnavailable."""
    path = sqlite_path(uri)
    if path is not None:
        _make_directory(path)
    database = Database(uri, path)
    try:
        if _version(database) != schema.HEAD:
            with _creation_lock(path):
                _bring_up(database)
    except BaseException:
        database.close()
        raise
    return database


def sqlite_path(uri: str) -> Path | None:
    """The file that a SQLite URI names, None for other databases."""
    url = sa.make_url(uri)
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise InvalidValue(
            f"{uri!r} names a database in memory, which dies with its process. "
            "Name a file, such as sqlite:///runs.db."
        )
    return Path(url.database).absolute()


def _make_directory(path: Path) -> None:
    if path.is_dir():
        raise failures.cannot_open(str(path), "it is a directory")
    folder = path.parent
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.name == FOLDER:
            (folder / ".gitignore").write_text("*\n")  # runs are no part of the project's source
    except OSError as error:
        raise failures.cannot_open(str(path), str(error)) from error


def _version(database: Database) -> str:
    """The schema version found; raises for a database that is not ours or too new."""
    try:
        return database.read(lambda tx: _read_version(tx, database.place))
    except ChiplogError as error:
        if not _is_read_only_trouble(database, error):
            raise
    for immutable in (False, True):
        database.open_read_only(immutable=immutable)
        with contextlib.suppress(ChiplogError):
            return database.read(lambda tx: _read_version(tx, database.place))
    raise failures.read_only(database.place)


def _is_read_only_trouble(database: Database, error: ChiplogError) -> bool:
    """Whether the database may be fine, and only cannot be opened for writing."""
    code = getattr(failures.driver_error(error.__cause__ or error), "sqlite_errorcode", 0) & 0xFF
    return (
        database.path is not None
        and code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
        and database.path.is_file()
        and not os.access(database.path.parent, os.W_OK)
    )


def _read_version(tx: Transaction, place: str) -> str:
    tables = set(sa.inspect(tx.connection).get_table_names())
    if schema.VERSION_TABLE in tables:
        found = str(tx.execute(sa.select(schema.version.c.version_num)).scalar())
        if found > schema.HEAD:
            raise failures.newer(place, found, schema.HEAD)
        return found
    ours = set(schema.metadata.tables)
    if tables and (tx.connection.dialect.name == "sqlite" or tables & ours):
        raise failures.foreign(place, tables)
    return _FRESH


def _bring_up(database: Database) -> None:
    """Make or migrate, unless another process has done so in the meantime."""
    version = _version(database)
    if version == schema.HEAD:
        return
    if database.read_only:
        raise failures.read_only(database.place)
    if version != _FRESH:
        from chiplog.store.sql.migrations import migrate

        database.write(lambda tx: migrate(tx.connection))
        return
    if database.path is not None:
        _prepare_file(database)
    try:
        database.write(_create)
    except (ChiplogError, sa.exc.DBAPIError, sqlite3.Error):
        if (
            _version(database) != schema.HEAD
        ):  # a server has no file lock: who lost the race goes on
            raise


def _prepare_file(database: Database) -> None:
    """Set what belongs to the file: pages freed one by one, and the write-ahead log.

    Someone who looks at the version just now keeps the log from being switched on: try again.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            with database.engine.connect() as connection:
                raw = connection.connection.cursor()
                raw.execute("PRAGMA auto_vacuum = INCREMENTAL")
                raw.execute("PRAGMA journal_mode = WAL")
                return
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            if not failures.is_busy(error):
                raise failures.explain(error, database.place) or error from error
            if time.monotonic() > deadline:
                raise failures.busy(database.place, BUSY_SECONDS) from error
            time.sleep(0.005)


def _create(tx: Transaction) -> None:
    if tx.connection.dialect.name in {"mysql", "mariadb"}:  # else id 0 means "the next one"
        mode = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')"
        tx.connection.exec_driver_sql(mode)
    schema.create_tables(tx.connection)
    now, number = now_ms(), int(Experiment.DEFAULT_EXPERIMENT_ID)
    root = default_root()
    tx.execute(
        schema.experiments.insert().values(
            id=number,
            artifact_location=f"{root}/{number}" if root else None,
            name=Experiment.DEFAULT_EXPERIMENT_NAME,
            live_name=Experiment.DEFAULT_EXPERIMENT_NAME,
            deleted=0,
            creation_time=now,
            last_update_time=now,
        )
    )
    tx.execute(schema.version.insert().values(version_num=schema.HEAD))


@contextlib.contextmanager
def _creation_lock(path: Path | None) -> Iterator[None]:
    """Hold the file lock of a database; where locks do not work, SQLite's own must do."""
    if path is None:
        yield
        return
    folder = folder_of(path)
    try:
        folder.mkdir(exist_ok=True)
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:  # a read-only directory: what follows says so better
        yield
        return
    try:
        _lock(file)
        yield
    finally:
        os.close(file)


try:
    import fcntl
except ImportError:  # Windows

    def _lock(file: int) -> None:
        import msvcrt

        deadline = time.monotonic() + BUSY_SECONDS
        while time.monotonic() < deadline:
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # on Windows alone
                return
            except OSError:
                time.sleep(0.02)

else:

    def _lock(file: int) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
