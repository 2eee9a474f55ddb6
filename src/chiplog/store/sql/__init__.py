"""Tracking stores on SQL databases: SQLite (the default), PostgreSQL, MySQL and MariaDB."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.stores import TrackingStore

_SCHEMES = {
    "sqlite": "a SQLite file: sqlite:///path/runs.db",
    "postgresql": "a PostgreSQL database: postgresql://user:password@host/name",
    "mysql": "a MySQL database: mysql://user:password@host/name",
    "mariadb": "a MariaDB database: mariadb://user:password@host/name",
}


@hookimpl
def chiplog_tracking_store(uri: str) -> TrackingStore | None:
    """Open a store on the database that ``uri`` names; ``scheme+driver`` chooses a driver."""
    if urlsplit(uri).scheme.partition("+")[0] not in _SCHEMES:
        return None
    from chiplog.store.sql.store import SqlTrackingStore

    return SqlTrackingStore(uri)


@hookimpl
def chiplog_store_schemes(kind: str) -> Mapping[str, str]:
    """The schemes of the databases that can be opened."""
    return _SCHEMES if kind == "tracking" else {}
