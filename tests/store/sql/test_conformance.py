"""The SQL store, held to the contract of tracking stores by the kit that others use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.store.sql.store import SqlTrackingStore
from chiplog.testing.store_kit import StoreKit

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.stores import TrackingStore


class TestSqliteStore(StoreKit):
    def open_store(self, tmp_path: Path) -> TrackingStore:
        return SqlTrackingStore(f"sqlite:///{tmp_path}/runs.db")
