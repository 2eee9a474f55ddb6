"""Garbage collection: what lies in the bin is freed, rows, files and bytes.

Rows go first, in a transaction that looks once more whether they are still in the bin, and leaves
notes of where their files lie; then the files go, then the notes. So what is restored at the last
moment keeps its files, and files that a crash left behind are found by the next collection.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from chiplog.core.errors import ChiplogError
from chiplog.core.stores import open_artifact_store
from chiplog.store.sql import schema
from chiplog.store.sql.bin import Found, Freed, Removal, look
from chiplog.store.sql.prepared import delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chiplog.core.stores import ArtifactStore
    from chiplog.store.sql.engine import Database, Transaction
    from chiplog.store.sql.places import Places

_RUNS_AT_ONCE: Final = 200

_delete_note = delete(schema.garbage, "id")


class Collector:
    """One collection.

    Args:
        database: where the rows are.
        places: where the files are.
        until: what was deleted later stays; None takes everything that is in the bin.
    """

    def __init__(self, database: Database, places: Places, until: int | None) -> None:
        self._database = database
        self._places = places
        self._until = until
        self._freed = Freed()

    def collect(self, run_ids: Sequence[str] | None, experiment_ids: Sequence[str] | None) -> Freed:
        """Free what is in the bin, or of that what is named.

        Raises what kept files from being removed, when all the others are; the next collection
        tries them again.
        """
        found = self._look(run_ids, experiment_ids)
        before = self._size()
        errors = self._remove_files()  # those that an earlier collection left
        for some in _slices(found.runs):
            errors += self._free(partial(Removal.add_runs, numbers=some))
        for some in _slices(found.models):
            errors += self._free(partial(Removal.add_models, numbers=some))
        for experiment in found.experiments:
            errors += self._free(partial(_add_whole, experiment=experiment))
        if self._database.path is not None:
            self._database.shrink()
            self._freed.database_bytes = max(before - self._size(), 0)
        if errors:
            raise errors[0]
        return self._freed

    def weigh(self, run_ids: Sequence[str] | None, experiment_ids: Sequence[str] | None) -> Freed:
        """What :meth:`collect` would free, the bytes of the database aside."""
        found = self._look(run_ids, experiment_ids)

        def work(tx: Transaction) -> Removal:
            removal = Removal(tx, self._places, self._until)
            removal.add_runs(found.runs)
            removal.add_models(found.models)
            for experiment in found.experiments:
                removal.add_experiment(experiment)
            return removal

        removal = self._database.read(work)
        notes = [self._places.absolute(location) for _, location in self._notes()]
        for location in _outermost([*removal.locations, *notes]):
            files, size = _weigh(open_artifact_store(location), None)
            removal.freed.artifact_files += files
            removal.freed.artifact_bytes += size
        return removal.freed

    def _look(self, run_ids: Sequence[str] | None, experiment_ids: Sequence[str] | None) -> Found:
        return self._database.read(lambda tx: look(tx, self._until, run_ids, experiment_ids))

    def _free(self, add: Callable[[Removal], None]) -> list[Exception]:
        """Remove rows, then the files they had; what kept files from being removed."""

        def work(tx: Transaction) -> Freed:
            removal = Removal(tx, self._places, self._until)
            add(removal)
            removal.carry_out()
            return removal.freed

        self._freed.add(self._database.write(work))
        return self._remove_files()

    def _remove_files(self) -> list[Exception]:
        """Remove the files of which there are notes; what kept some from being removed."""
        errors: list[Exception] = []
        done: list[tuple[int]] = []
        try:
            for number, location in self._notes():
                try:
                    store = open_artifact_store(self._places.absolute(location))
                    files, size = store.delete(None)
                except (ChiplogError, OSError) as error:
                    errors.append(error)
                    continue
                done.append((number,))
                self._freed.artifact_files += files
                self._freed.artifact_bytes += size
        finally:
            if done:
                self._database.write(lambda tx: tx.many(_delete_note, done))
        return errors

    def _notes(self) -> Sequence[tuple[int, str]]:
        table = schema.garbage
        query = sa.select(table.c.id, table.c.location).order_by(table.c.id)
        rows = self._database.read(lambda tx: tx.execute(query).fetchall())
        return [(number, location) for number, location in rows]

    def _size(self) -> int:
        """The bytes of the database file, free pages included."""
        if self._database.path is None:
            return 0

        def pages(tx: Transaction) -> int:
            count = tx.connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
            return int(count * (tx.connection.exec_driver_sql("PRAGMA page_size").scalar() or 0))

        return self._database.read(pages)


def _add_whole(removal: Removal, experiment: int) -> None:
    if removal.add_experiment(experiment):
        removal.add_rest(experiment)


def _outermost(locations: Iterable[str]) -> list[str]:
    """The locations that lie in no other one."""
    kept: list[str] = []
    for location in sorted(set(locations)):
        if not (kept and location.startswith(f"{kept[-1]}/")):
            kept.append(location)
    return kept


def _slices(numbers: list[int]) -> Iterable[list[int]]:
    return (numbers[at : at + _RUNS_AT_ONCE] for at in range(0, len(numbers), _RUNS_AT_ONCE))


def _weigh(store: ArtifactStore, path: str | None) -> tuple[int, int]:
    files = size = 0
    for item in store.list(path):
        more = _weigh(store, item.path) if item.is_dir else (1, item.file_size or 0)
        files += more[0]
        size += more[1]
    return files, size
