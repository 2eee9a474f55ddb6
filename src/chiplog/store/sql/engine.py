"""Connections and transactions: who may write when, and what happens when it does not work."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa

from chiplog.core.errors import MissingLibrary
from chiplog.store.sql import failures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from chiplog.store.sql.prepared import Among, Prepared

T = TypeVar("T")

if TYPE_CHECKING:
    AnyRow = sa.Row[*tuple[Any, ...]]
    AnySelect = sa.Select[*tuple[Any, ...]]

BUSY_SECONDS: Final = 60.0
"""How long a write waits for other processes' writes before it gives up."""

_DRIVER_WAIT: Final = 5.0
"""How long SQLite itself waits for a lock, in seconds, before we look at the clock."""

_CONFLICT_TRIES: Final = 6

_PRAGMAS: Final = (
    "PRAGMA synchronous = NORMAL",  # a commit survives the process; sync() makes it survive power
    "PRAGMA cache_size = -16000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 67108864",
)


class Transaction:
    """A connection inside a transaction.

    Prepared statements go to SQLite's driver without SQLAlchemy in between, which costs several
    times as much as they do. A server's round trip costs more than both, and there SQLAlchemy is
    the one that notices when a connection has been lost.
    """

    def __init__(self, connection: sa.Connection, raw: sqlite3.Connection | None) -> None:
        self.connection = connection
        self._raw = raw
        self._dialect = connection.dialect

    def execute(
        self, statement: sa.Executable, values: Any = None
    ) -> sa.CursorResult[*tuple[Any, ...]]:
        """Run a statement of SQLAlchemy's."""
        return self.connection.execute(statement, values)

    def rows(self, statement: Prepared, *values: Any) -> Sequence[tuple[Any, ...]]:
        """Run a prepared select."""
        text = statement.text(self._dialect)
        if self._raw is not None:
            return self._raw.execute(text, values).fetchall()
        return self.connection.exec_driver_sql(text, values).fetchall()

    def among(
        self, statement: Among, values: Collection[Any], *fixed: Any
    ) -> Sequence[tuple[Any, ...]]:
        """Run a prepared select for any number of values."""
        found: list[tuple[Any, ...]] = []
        for prepared, some in statement.slices(list(values)):
            found += self.rows(prepared, *fixed, *some)
        return found

    def run(self, statement: Prepared, *values: Any) -> int:
        """Run a prepared change; the number of rows it touched."""
        text = statement.text(self._dialect)
        if self._raw is not None:
            return self._raw.execute(text, values).rowcount
        return self.connection.exec_driver_sql(text, values).rowcount

    def many(self, statement: Prepared, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a prepared change once for each row."""
        listed = list(rows)
        if not listed:
            return
        text = statement.text(self._dialect)
        if self._raw is not None:
            self._raw.executemany(text, listed)
        else:
            self.connection.exec_driver_sql(text, listed)


class Database:
    """A database by its URI: pooled connections, one writer at a time in this process.

    Attributes:
        uri: the URI it was opened with.
        path: the file, for SQLite.
        place: what messages call it: the file's path, or the URI without its password.
    """

    def __init__(self, uri: str, path: Path | None) -> None:
        self.uri = uri
        self.path = path
        url = sa.make_url(uri)
        self.place = str(path) if path else url.render_as_string(hide_password=True)
        self.read_only = False
        self._immutable = False
        self._write_lock = threading.Lock()
        self.engine = self._make_engine(url)
        _opened.add(self)

    def _make_engine(self, url: sa.URL) -> sa.Engine:
        try:
            if self.path is not None:
                return sa.create_engine(
                    "sqlite://",
                    creator=self._connect_sqlite,
                    poolclass=sa.pool.QueuePool,
                    pool_size=3,
                    max_overflow=100,
                    pool_use_lifo=True,
                )
            return sa.create_engine(
                url, pool_pre_ping=True, max_overflow=20, isolation_level="READ COMMITTED"
            )
        except ImportError as error:
            raise MissingLibrary(
                f"The database {self.place} needs the Python package {error.name!r}, which is not "
                f"installed. Type: pip install {_DISTRIBUTIONS.get(error.name or '', error.name)}"
            ) from error

    def _connect_sqlite(self) -> sqlite3.Connection:
        assert self.path is not None
        name = str(self.path)
        if self.read_only:
            name = self.path.as_uri() + ("?immutable=1" if self._immutable else "?mode=ro")
        connection = sqlite3.connect(
            name,
            timeout=_DRIVER_WAIT,
            isolation_level=None,  # we say BEGIN ourselves
            check_same_thread=False,
            cached_statements=300,
            uri=self.read_only,
        )
        try:
            connection.create_function("lower", 1, _lower, deterministic=True)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    def open_read_only(self, *, immutable: bool) -> None:
        """Go on with connections that only read; ``immutable`` needs no lock file beside it."""
        self.read_only = True
        self._immutable = immutable
        self.engine.dispose()

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Call ``work`` in a transaction that sees one state of the database and only reads."""
        return self._retrying(lambda: self._attempt(work, "BEGIN", commit=False))

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Call ``work`` in a transaction that is committed if it returns.

        ``work`` is called again if another process was first; so it must begin anew each time.
        """
        if self.read_only:
            raise failures.read_only(self.place)

        def attempt() -> T:
            with self._write_lock:
                return self._attempt(work, "BEGIN IMMEDIATE", commit=True)

        return self._retrying(attempt)

    def _attempt(self, work: Callable[[Transaction], T], begin: str, *, commit: bool) -> T:
        with self.engine.connect() as connection:
            if self.path is None:
                result = work(Transaction(connection, None))
                if commit:
                    connection.commit()
                return result
            raw: Any = connection.connection.dbapi_connection
            raw.execute(begin)
            result = work(Transaction(connection, raw))
            if commit:
                raw.commit()
            return result

    def _retrying(self, attempt: Callable[[], T]) -> T:
        deadline = time.monotonic() + BUSY_SECONDS
        conflicts = 0
        while True:
            try:
                return attempt()
            except (sa.exc.DBAPIError, sqlite3.Error) as error:
                if failures.is_busy(error):
                    if time.monotonic() > deadline:
                        raise failures.busy(self.place, BUSY_SECONDS) from error
                    time.sleep(0.01)
                    continue
                conflicts += 1
                if failures.is_conflict(error) and conflicts < self._conflict_tries():
                    continue
                explained = failures.explain(error, self.place)
                if self._is_too_large(error):
                    explained = failures.too_large(self.place, failures.driver_error(error))
                if explained is None:
                    raise
                # The driver's own words are the cause; its way through the pool helps nobody.
                raise explained from failures.driver_error(error).with_traceback(None)

    def _is_too_large(self, error: BaseException) -> bool:
        """Whether a server hung up since it was sent more than it takes."""
        sent = failures.sent_when_cut_off(error)
        if not sent:
            return False
        try:
            with self.engine.connect() as connection:
                taken = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar()
        except sa.exc.DBAPIError:
            return False  # it is down
        return 2 * sent >= int(taken or 0)  # what is sent has escapes in it

    def _conflict_tries(self) -> int:
        return 1 if self.path is not None else _CONFLICT_TRIES  # SQLite's writers queue

    def sync(self) -> None:
        """Make what was committed safe against a power failure."""
        if self.path is None:
            return  # a server's commit is that already
        # The write-ahead log is not under SQLite's file locks; opening and closing it harms none.
        try:
            file = os.open(f"{self.path}-wal", os.O_RDWR)
        except OSError:
            return  # no log: everything is in the database file, synced when it was moved there
        try:
            os.fsync(file)
        except OSError as error:
            raise failures.unsynced(self.place, error) from error
        finally:
            os.close(file)

    def shrink(self) -> None:
        """Give a SQLite file's free pages back to the file system; needs no copy of the file."""

        def attempt() -> None:
            with self._write_lock, self.engine.connect() as connection:
                raw: Any = connection.connection.dbapi_connection
                # A script is stepped to its end; a statement without columns once, which is a page.
                raw.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")

        self._retrying(attempt)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self.engine.dispose()

    def forget(self) -> None:
        """Let go of connections that belong to the parent process, without closing them."""
        _abandoned.append(self.engine.pool)
        self.engine.dispose(close=False)
        self._write_lock = threading.Lock()


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


_DISTRIBUTIONS: Final = {"MySQLdb": "mysqlclient", "psycopg": "'psycopg[binary]'"}

_opened: weakref.WeakSet[Database] = weakref.WeakSet()
_abandoned: list[object] = []
"""Pools of a parent process: SQLite's connections must neither be used nor closed after a fork."""


def _after_fork() -> None:
    for database in list(_opened):
        database.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
