"""Files of runs and models whose store cannot be asked where they belong.

They wait in a folder beside the journal that tells of their run, ``<journal id>.files``, and are
brought to their place once the journal has been delivered.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final, Protocol

from chiplog.core.errors import ChiplogError
from chiplog.core.stores import open_artifact_store, open_tracking_store

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore, TrackingStore

_RUNS: Final = "runs"
_MODELS: Final = "models"


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
        deliver(open_tracking_store(journal.store_uri), folder)


def deliver(store: TrackingStore, folder: Path) -> int:
    """Bring the files in ``folder`` to their places and remove it; how many there were.

    May be done again, and by several processes at once. Raises what keeps a file from its place;
    those not brought yet are still there.
    """
    count = 0
    for run in _entries(folder / _RUNS):
        count += _bring(run, store.get_run(run.name).info.artifact_uri)
    for model in _entries(folder / _MODELS):
        count += _bring(model, store.get_logged_model(model.name).artifact_location)
    shutil.rmtree(folder, ignore_errors=True)
    return count


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _bring(folder: Path, location: str | None) -> int:
    if not location:
        raise ChiplogError(f"The store does not say where the files in {folder} belong.")
    count = sum(len(files) for _, _, files in os.walk(folder))
    open_artifact_store(location).put_directory(folder, None)
    shutil.rmtree(folder, ignore_errors=True)
    return count
