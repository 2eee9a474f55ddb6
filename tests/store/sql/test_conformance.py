"""The SQL store, held to the contract of tracking stores by the kit that others use.

SQLite always; a PostgreSQL and a MySQL or MariaDB server if the environment names an empty database
that may be wiped, such as ``TEST_POSTGRESQL_URI=postgresql://me@localhost/chiplog_test`` or
``TEST_MYSQL_URI=mysql+pymysql://me@localhost/chiplog_test``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from chiplog.store.sql import schema
from chiplog.store.sql.store import SqlTrackingStore
from chiplog.testing.store_kit import StoreKit

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.stores import TrackingStore


class TestSqliteStore(StoreKit):
    def open_store(self, tmp_path: Path) -> TrackingStore:
        return SqlTrackingStore(f"sqlite:///{tmp_path}/runs.db")


class ServerKit(StoreKit):
    """The kit for the database that an environment variable names."""

    variable = ""

    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)  # where a server's artifacts lie

    def open_store(self, tmp_path: Path) -> TrackingStore:
        uri = os.environ[self.variable]
        engine = sa.create_engine(uri)
        schema.metadata.drop_all(engine)
        engine.dispose()
        return SqlTrackingStore(uri)


if "TEST_POSTGRESQL_URI" in os.environ:

    class TestPostgresqlStore(ServerKit):
        variable = "TEST_POSTGRESQL_URI"


if "TEST_MYSQL_URI" in os.environ:

    class TestMysqlStore(ServerKit):
        variable = "TEST_MYSQL_URI"
