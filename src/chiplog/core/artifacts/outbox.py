"""Files of runs and models whose store cannot be asked where they belong.

They wait in a folder beside the journal that tells of their run, ``<journal id>.files``, and are
brought to their place once the journal has been delivered.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from typing import TYPE_CHECKING, Final, Protocol

from chiplog.core.errors import ChiplogError, NotFound
from chiplog.core.stores import open_artifact_store, open_tracking_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore, TrackingStore

_RUNS: Final = "runs"
_MODELS: Final = "models"
_KEPT: Final = ".kept-files"

_log = logging.getLogger("chiplog.journal")


class Waiting(Protocol):
    """A journal, as far as files that wait with it are concerned."""

    @property
    def journal_id(self) -> str:
        """Its id."""

    @property
    def store_uri(self) -> str:
        """The store it is for."""

    @property
    def directory(self) -> Path:
        """Where its files lie."""


def run_files(journal: Waiting, run_id: str) -> ArtifactStore:
    """Where the files of a run wait."""
    return open_artifact_store(
        str(folder_of(journal.directory, journal.journal_id) / _RUNS / run_id)
    )


def model_files(journal: Waiting, model_id: str) -> ArtifactStore:
    """Where the files of a logged model wait."""
    folder = folder_of(journal.directory, journal.journal_id)
    return open_artifact_store(str(folder / _MODELS / model_id))


def folder_of(directory: Path, journal_id: str) -> Path:
    """The folder of the files that wait with a journal; it may not exist."""
    return directory / f"{journal_id}.files"


def deliver_own(journal: Waiting) -> None:
    """Bring this process's waiting files to their places; its journal has been delivered."""
    folder = folder_of(journal.directory, journal.journal_id)
    if folder.is_dir():
        _deliver(open_tracking_store(journal.store_uri), folder, _move_files)


def deliver_run(journal: Waiting, run_id: str, location: str) -> None:
    """Bring a run's waiting files to their place, before newer ones are written there."""
    folder = folder_of(journal.directory, journal.journal_id) / _RUNS / run_id
    if folder.is_dir():
        _move_files(folder, location)


def deliver(store: TrackingStore, folder: Path) -> int:
    """Bring the files in ``folder`` to their places and remove it; how many there were.

    Nobody writes into it any more. May be done again, and by several processes at once. Raises what
    keeps a file from its place; those not brought yet are still there. Files of what the store
    would not take are kept aside.
    """
    count = _deliver(store, folder, _bring)
    shutil.rmtree(folder, ignore_errors=True)
    return count


def _deliver(store: TrackingStore, folder: Path, bring: Callable[[Path, str | None], int]) -> int:
    count = 0
    for run in _entries(folder / _RUNS):
        count += _bring_or_keep(run, bring, lambda one: store.get_run(one).info.artifact_uri)
    for model in _entries(folder / _MODELS):
        count += _bring_or_keep(
            model, bring, lambda one: store.get_logged_model(one).artifact_location
        )
    return count


def _bring_or_keep(
    folder: Path,
    bring: Callable[[Path, str | None], int],
    find_location: Callable[[str], str | None],
) -> int:
    try:
        return bring(folder, find_location(folder.name))
    except NotFound as error:
        aside = folder.parent.parent.with_suffix(_KEPT) / folder.parent.name / folder.name
        aside.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process has kept it
            folder.rename(aside)
        _log.warning("Files that have no place are kept in %s. %s", aside, error)
        return 0


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _bring(folder: Path, location: str | None) -> int:
    """Bring everything in a folder to its place, and remove it."""
    place = _place(folder, location)
    count = sum(len(files) for _, _, files in os.walk(folder))
    place.put_directory(folder, None)
    shutil.rmtree(folder, ignore_errors=True)
    return count


def _move_files(folder: Path, location: str | None) -> int:
    """Bring the files of a folder to their places while other threads go on writing into it.

    The folder stays for them. A file that is written again meanwhile stays, too.
    """
    place = _place(folder, location)
    count = 0
    for path in _files(open_artifact_store(str(folder)), None):
        file = folder / path
        with contextlib.suppress(FileNotFoundError):  # another thread has brought it
            before = file.stat()
            place.put_file(file, path)
            count += 1
            if file.stat().st_ino == before.st_ino:
                file.unlink()
    return count


def _files(store: ArtifactStore, path: str | None) -> Iterator[str]:
    for entry in store.list(path):
        if entry.is_dir:
            yield from _files(store, entry.path)
        else:
            yield entry.path


def _place(folder: Path, location: str | None) -> ArtifactStore:
    if not location:
        raise ChiplogError(f"The store does not say where the files in {folder} belong.")
    return open_artifact_store(location)
