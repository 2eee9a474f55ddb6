"""A SQLite store in a folder of its own, and a pen for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chiplog.store.sql.store import SqlTrackingStore
from chiplog.testing.store_kit import Pen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database lies, or will lie."""
    return tmp_path / "runs.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlTrackingStore]:
    store = SqlTrackingStore(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def pen(store: SqlTrackingStore) -> Pen:
    return Pen(store)
