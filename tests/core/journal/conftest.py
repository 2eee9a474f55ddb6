"""A tracking store in memory whose failures tests can order, and ways to make orphans."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.journal import close_all, open_journal
from chiplog.core.records import Series
from chiplog.core.stores import StaleCursor, close_stores
from chiplog.hooks.manager import plugins
from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chiplog.core.journal import Journal
    from chiplog.core.records import Batch, Record, Refused


class MemoryStore:
    """Applies batches to lists, by the rules of a real store's cursor."""

    def __init__(self, uri: str, directory: Path) -> None:
        self.uri = uri
        self.journal_directory = directory
        self.records: list[Record] = []
        self.points: dict[Series, list[tuple[int, int, float]]] = defaultdict(list)
        self.cursors: dict[str, int] = {}
        self.batches: list[Batch] = []
        self.dead: list[tuple[str, int, str]] = []
        self.synced = 0
        self.before_apply: Callable[[Batch], None] = lambda _batch: None
        self.refusals: list[Refused] = []
        self.applied = threading.Event()

    def cursor(self, journal_id: str) -> int:
        return self.cursors.get(journal_id, 0)

    def apply(self, batch: Batch) -> list[Refused]:
        if batch.first != self.cursor(batch.journal_id):
            raise StaleCursor(batch.journal_id, self.cursor(batch.journal_id))
        self.before_apply(batch)
        self.batches.append(batch)
        self.records += batch.records
        for points in batch.points:
            identity = Series(points.series.run_id, key=points.series.key)
            self.points[identity] += zip(
                points.steps.tolist(),
                points.timestamps.tolist(),
                points.values.tolist(),
                strict=True,
            )
        self.cursors[batch.journal_id] = batch.last
        self.applied.set()
        return self.refusals

    def mark_dead(self, journal_id: str, last_seen: int, reason: str) -> list[str]:
        self.dead.append((journal_id, last_seen, reason))
        return []

    def sync(self) -> None:
        self.synced += 1

    def close(self) -> None:
        pass

    def steps(self, key: str = "loss") -> list[int]:
        """The steps of a metric, of all runs, in the order in which they arrived."""
        return [s for series, rows in self.points.items() if series.key == key for s, _, _ in rows]


class MemoryPlugin:
    """Opens what begins with ``memory://``."""

    def __init__(self, directory: Path) -> None:
        self.stores: dict[str, MemoryStore] = {}
        self.directory = directory

    @hookimpl
    def chiplog_tracking_store(self, uri: str) -> Any:
        if not uri.startswith("memory://"):
            return None
        return self.stores.setdefault(uri, MemoryStore(uri, self.directory))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MemoryStore]:
    """An open store whose journals lie in ``tmp_path / "journals"``."""
    plugin = MemoryPlugin(tmp_path / "journals")
    plugins().add(plugin, "memory-store")
    uri = f"memory://{uuid.uuid4()}"
    opened = MemoryStore(uri, plugin.directory)
    plugin.stores[uri] = opened
    try:
        yield opened
    finally:
        opened.before_apply = lambda _batch: None
        close_all(10)
        close_stores()
        plugins().remove("memory-store")


@pytest.fixture
def journal(store: MemoryStore) -> Journal:
    """This process's journal for the store."""
    return open_journal(store.uri)


@pytest.fixture
def loss(journal: Journal) -> int:
    """The number of the series "loss" in the journal."""
    return journal.number(Series("a" * 32, key="loss"))


@pytest.fixture
def program() -> str:
    """The beginning of a program that has ``journal`` and ``loss``, and a store that is away."""
    return _PRELUDE.format(conftest=__file__)


@pytest.fixture
def orphan(tmp_path: Path, program: str) -> Callable[..., Path]:
    """Run a program that writes journal(s) and dies; hand back where they lie.

    The program has ``journal``, ``loss`` (a series' number) and ``store`` (its URI is
    ``memory://dead``, its journals lie in ``journals/``).
    """

    def run(body: str, **environment: str) -> Path:
        done = subprocess.run(
            [sys.executable, "-c", program + textwrap.dedent(body)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == -9, done.stderr
        return tmp_path / "journals"

    return run


_PRELUDE = """
import importlib.util, os, pathlib, signal, sys, threading
spec = importlib.util.spec_from_file_location("journal_conftest", {conftest!r})
made_up = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made_up)
from chiplog.core.errors import StoreUnavailable
from chiplog.core.journal import open_journal
from chiplog.core.records import ParamsLogged, Series, TagsSet
from chiplog.hooks.manager import plugins
plugin = made_up.MemoryPlugin(pathlib.Path("journals").absolute())
plugins().add(plugin, "memory-store")
store = plugin.chiplog_tracking_store("memory://dead")
def unavailable(batch):
    raise StoreUnavailable("away")
store.before_apply = unavailable
journal = open_journal("memory://dead")
loss = journal.number(Series("a" * 32, key="loss"))
def die():
    os.kill(os.getpid(), signal.SIGKILL)
"""
