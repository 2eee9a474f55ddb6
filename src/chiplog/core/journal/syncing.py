"""Delivering the journals that lie in a folder: ``chiplog sync``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from chiplog.core.errors import ChiplogError, NotFound
from chiplog.core.journal.closing import flush_all
from chiplog.core.journal.files import FoundJournal, find_journals
from chiplog.core.journal.format import UnknownVersion
from chiplog.core.journal.owner import Verdict
from chiplog.core.journal.recovery import RecoveryReport, deliver
from chiplog.core.location import FOLDER
from chiplog.core.stores import open_tracking_store

if TYPE_CHECKING:
    from collections.abc import Iterator

SyncReport = RecoveryReport


def sync_directory(
    path: Path | str,
    store_uri: str | None = None,
    *,
    final: bool = False,
    recursive: bool = False,
) -> SyncReport:
    """Deliver every journal in a folder of journals or of a project; may be done again any time.

    Journals of processes that live are delivered as far as they are written. Those of dead ones
    are removed and their open runs marked KILLED.

    Args:
        path: the folder; journals may have been copied to it from another machine.
        store_uri: where they go; to the store that each one names unless given.
        final: treat journals whose process cannot be judged from here, such as copies, as those
            of dead ones. Without it they stay, and may be copied and delivered again.
        recursive: look in every folder below, too.

    Raises NotFound if there is no such folder.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise NotFound(f"There is no folder {str(path)!r} to look for journals in.")
    report = SyncReport()
    for directory in _below(folder) if recursive else _of_project(folder):
        for journal in find_journals(directory):
            _sync(journal, store_uri, report, final=final)
    return report


def _below(folder: Path) -> Iterator[Path]:
    return (Path(directory) for directory, _, _ in os.walk(folder))


def _of_project(folder: Path) -> Iterator[Path]:
    """The folder, and where its journals lie if it is a project or its ``.chiplog``."""
    candidates = (folder, folder / "journals", folder / FOLDER / "journals")
    return (directory for directory in candidates if directory.is_dir())


def _sync(journal: FoundJournal, store_uri: str | None, report: SyncReport, *, final: bool) -> None:
    try:
        owner = journal.owner()
    except UnknownVersion as error:
        report.problems.append(str(error))
        return
    verdict = journal.verdict(owner)
    if verdict is Verdict.OURS:
        flush_all()
        report.journals += 1
        return
    uri = store_uri or (owner.store_uri if owner else None)
    if uri is None:
        report.problems.append(
            f"Journal {journal.journal_id} in {journal.directory} does not say which store it is "
            "for (its owner file is missing or damaged). Name it: chiplog sync --store URI."
        )
        return
    try:
        store = open_tracking_store(uri, deliver=False)
    except ChiplogError as error:
        report.problems.append(f"Journal {journal.journal_id} stays: {error}")
        return
    is_over = verdict is Verdict.DEAD or (final and verdict is Verdict.UNKNOWN)
    deliver(journal, owner, store, report, final=is_over, aloud=False)
