"""What a database error means to the user: which file, what is wrong, what to do."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.errors import ChiplogError, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT: Final = "What is recorded meanwhile is kept in the journal and delivered later."

_RETRIED_STATES: Final = {"40001", "40P01"}  # PostgreSQL: serialisation, deadlock
_RETRIED_NUMBERS: Final = {1205, 1213}  # MySQL: lock wait timeout, deadlock

_TOO_LARGE_NUMBERS: Final = {1118, 1153, 1390}  # MySQL: row, packet, placeholders
_CUT_OFF_NUMBERS: Final = {2006, 2013}  # MySQL: what a packet that is too large may look like
_TOO_LARGE_STATES: Final = "54"  # PostgreSQL: all states of a limit that was exceeded begin so


def driver_error(error: BaseException) -> BaseException:
    """The driver's own error inside SQLAlchemy's."""
    inner = error.orig if isinstance(error, sa.exc.DBAPIError) else None
    return inner if inner is not None else error


def is_busy(error: BaseException) -> bool:
    """Whether another connection holds a lock that will be let go: trying again is right."""
    inner = driver_error(error)
    code = _sqlite_code(inner)
    if code is not None:
        return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    state = getattr(inner, "sqlstate", None) or getattr(inner, "pgcode", None)
    number = inner.args[0] if inner.args else None
    return state in _RETRIED_STATES or number in _RETRIED_NUMBERS


def is_conflict(error: BaseException) -> bool:
    """Whether another writer was first with the same key."""
    return isinstance(error, sa.exc.IntegrityError | sqlite3.IntegrityError)


def is_about_data(error: BaseException) -> bool:
    """Whether a value is what the database objects to: tried again, it would do so again."""
    if not isinstance(error, sa.exc.DBAPIError | sqlite3.Error):
        return True
    return not is_busy(error) and explain(error, "") is None


def explain(error: BaseException, place: str) -> ChiplogError | None:
    """The error to raise for one about the database as a whole; None if it is about the data."""
    inner = driver_error(error)
    code = _sqlite_code(inner)
    if code is not None:
        maker = _SQLITE.get(code)
        return maker(place, inner) if maker else None
    if _is_too_large(inner):
        return too_large(place, inner)
    if isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated
        or isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    ):
        return StoreUnavailable(f"The database {place} cannot be reached: {_words(inner)} {_KEPT}")
    return None


def _words(error: BaseException) -> str:
    """What a driver says, over several lines at times, as sentences in one."""
    text = " ".join(str(error).split())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _is_too_large(inner: BaseException) -> bool:
    state = str(getattr(inner, "sqlstate", None) or getattr(inner, "pgcode", None) or "")
    number = inner.args[0] if inner.args else None
    return state.startswith(_TOO_LARGE_STATES) or number in _TOO_LARGE_NUMBERS


def sent_when_cut_off(error: BaseException) -> int | None:
    """About how many bytes a MySQL server was sent that then hung up; None for other errors.

    It hangs up on a packet larger than it takes, but also when it is stopped.
    """
    inner = driver_error(error)
    if not isinstance(error, sa.exc.DBAPIError) or not inner.args:
        return None
    if inner.args[0] not in _CUT_OFF_NUMBERS:
        return None
    given: Any = error.params or ()
    rows = given if isinstance(given, list) else [given]
    return max((_size_of(row) for row in rows), default=0)


def _size_of(row: Any) -> int:
    values = row.values() if isinstance(row, dict) else row
    return sum(len(value) for value in values if isinstance(value, str | bytes))


def _sqlite_code(error: BaseException) -> int | None:
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def busy(place: str, seconds: float) -> StoreUnavailable:
    """The error for a lock that was not let go."""
    return StoreUnavailable(
        f"Another process has been writing to {place} for {seconds:.0f} seconds without a pause. "
        f"Try again; if nothing should be writing, look for a hanging program that has it open. "
        f"{_KEPT}"
    )


def too_large(place: str, error: BaseException) -> StoreError:
    """The error for something that is more than a database takes at once, now and always."""
    return StoreError(
        f"The database {place} does not take so much at once ({error}). Raise its limit, on MySQL "
        "max_allowed_packet, or record less in one piece."
    )


def read_only(place: str) -> StoreUnavailable:
    """The error for a database that may be read, not written."""
    return StoreUnavailable(
        f"The database {place} cannot be written: the file, its directory or its file system is "
        f"read-only. Make it writable for this user, or choose another place with "
        f"CHIPLOG_TRACKING_URI. {_KEPT}"
    )


def _full(place: str, error: BaseException) -> ChiplogError:
    return StoreUnavailable(
        f"There is no space left to write {place} ({error}). Free some space, for example with "
        f"'chiplog gc'. {_KEPT}"
    )


def _io(place: str, error: BaseException) -> ChiplogError:
    return StoreUnavailable(
        f"Reading or writing {place} failed ({error}). Look at the disk, its quota and its "
        f"connection. {_KEPT}"
    )


def cannot_open(place: str, reason: object) -> StoreUnavailable:
    """The error for a path at which there is no file to be had."""
    return StoreUnavailable(
        f"The database {place} cannot be opened ({reason}). Is its directory there and writable, "
        f"and is it a file? Another place can be chosen with CHIPLOG_TRACKING_URI."
    )


def _corrupt(place: str, error: BaseException) -> ChiplogError:
    return StoreError(
        f"The database {place} is damaged ({error}). Nothing was changed. Copy it aside together "
        f"with its -wal file; 'sqlite3 {place} .recover' then brings back what can be read. "
        f"What is recorded meanwhile is kept in the journal."
    )


def _no_database(place: str, _error: BaseException) -> ChiplogError:
    return StoreError(
        f"The file {place} is no SQLite database. Nothing was changed. Name another file, or move "
        f"this one away."
    )


_SQLITE: Final[dict[int, Callable[[str, BaseException], ChiplogError]]] = {
    sqlite3.SQLITE_READONLY: lambda place, _error: read_only(place),
    sqlite3.SQLITE_PERM: lambda place, _error: read_only(place),
    sqlite3.SQLITE_FULL: _full,
    sqlite3.SQLITE_IOERR: _io,
    sqlite3.SQLITE_CANTOPEN: cannot_open,
    sqlite3.SQLITE_PROTOCOL: _io,
    sqlite3.SQLITE_CORRUPT: _corrupt,
    sqlite3.SQLITE_NOTADB: _no_database,
    sqlite3.SQLITE_BUSY: lambda place, _error: busy(place, 0),
}


def foreign(place: str, tables: set[str]) -> StoreError:
    """The error for a database of another program."""
    if {"experiments", "runs", "alembic_version"} <= tables:
        return StoreError(
            f"{place} is an MLflow database. chiplog does not write into it; nothing was changed. "
            f"Name another file; chiplog makes it."
        )
    listed = ", ".join(sorted(tables)[:5])
    return StoreError(
        f"{place} is a database of another program (it has the tables {listed}). Nothing was "
        f"changed. Name another file; chiplog makes it."
    )


def newer(place: str, found: str, known: str) -> StoreError:
    """The error for a database that a newer chiplog has written."""
    return StoreError(
        f"{place} was written by a newer chiplog: its schema is version {found}, this chiplog "
        f"knows up to {known}. Nothing was changed. Update with: pip install -U chiplog"
    )


def unsynced(place: str, error: OSError) -> StoreUnavailable:
    """The error for a disk that did not confirm what was written."""
    return StoreUnavailable(
        f"The disk did not confirm what was written to {place}: {error}. {_KEPT}"
    )
