"""Delivering what dead processes left in a store's journals, and telling their runs' fate."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chiplog.core.errors import ChiplogError
from chiplog.core.journal.delivery import Delivery, RefusalReporter
from chiplog.core.journal.files import FileSource, FoundJournal, find_journals
from chiplog.core.journal.format import UnknownVersion
from chiplog.core.journal.owner import Verdict, claimed
from chiplog.core.location import journal_directory

if TYPE_CHECKING:
    from chiplog.core.journal.delivery import Stretch
    from chiplog.core.journal.owner import Owner
    from chiplog.core.stores import TrackingStore

_log = logging.getLogger("chiplog.journal")

_said: set[str] = set()


@dataclass
class RecoveryReport:
    """What was found in journals and delivered.

    Attributes:
        journals: how many journals there were something to do for.
        records: how many records other than points were delivered.
        points: how many metric points were delivered.
        runs: ids of the runs that were found to have died with their process.
        bytes: the size of those journals' files.
        problems: what went wrong or could not be recovered, in words.
    """

    journals: int = 0
    records: int = 0
    points: int = 0
    runs: list[str] = field(default_factory=list)
    bytes: int = 0
    problems: list[str] = field(default_factory=list)

    def count(self, stretch: Stretch) -> None:
        """Add what was delivered."""
        self.records += len(stretch.records)
        self.points += sum(len(points) for points in stretch.points)


def recover(store: TrackingStore) -> RecoveryReport:
    """Deliver what dead processes left behind for ``store``, and mark their open runs KILLED.

    Quick when there is nothing to do, safe to be called by several processes at once, and never
    raises: what is wrong is in the report and logged.
    """
    report = RecoveryReport()
    try:
        for journal, owner in find_orphans(store):
            deliver(journal, owner, store, report, final=True)
    except Exception as error:  # such as a working directory that was deleted
        report.problems.append(f"Looking for journals failed. {type(error).__name__}: {error}")
        _log.warning("%s", report.problems[-1], exc_info=_details(error))
    return report


def find_orphans(store: TrackingStore) -> list[tuple[FoundJournal, Owner | None]]:
    """The journals that dead processes left behind for ``store``."""
    orphans: list[tuple[FoundJournal, Owner | None]] = []
    own, common = store.journal_directory, journal_directory()
    for directory in {own or common, common}:
        for journal in find_journals(directory):
            try:
                owner = journal.owner()
            except UnknownVersion as error:
                _say_once(journal.journal_id, str(error))
                continue
            is_here = directory == own
            if _is_meant_for(store, owner, is_here=is_here) and (
                journal.verdict(owner) is Verdict.DEAD
            ):
                orphans.append((journal, owner))
    return orphans


def deliver(
    journal: FoundJournal,
    owner: Owner | None,
    store: TrackingStore,
    report: RecoveryReport,
    *,
    final: bool,
) -> None:
    """Deliver a journal that this process does not write.

    Args:
        journal: its files.
        owner: who wrote it, as far as known.
        store: where it goes.
        report: what happened is added to it.
        final: its owner is dead: salvage what is damaged, tell its runs' fate, remove its files.
    """
    with claimed(journal.owner_path, lock=final) as free:
        if not free:
            return
        try:
            _deliver(journal, owner, store, report, final=final)
        except UnknownVersion as error:
            report.problems.append(f"{journal.directory}: {error}")
            _say_once(journal.journal_id, f"Journal {journal.journal_id} is left alone. {error}")
        except Exception as error:
            report.problems.append(
                f"Journal {journal.journal_id} in {journal.directory} could not be delivered to "
                f"{store.uri} and stays where it is. {type(error).__name__}: {error}"
            )
            _log.warning("%s", report.problems[-1], exc_info=_details(error))


def _deliver(
    journal: FoundJournal,
    owner: Owner | None,
    store: TrackingStore,
    report: RecoveryReport,
    *,
    final: bool,
) -> None:
    last_seen = min(journal.last_written() or time.time(), time.time())
    source = FileSource(journal, salvage=final)
    delivery = Delivery(
        source,
        store.cursor(journal.journal_id),
        on_applied=report.count,
        on_refused=RefusalReporter(lambda _run_id: None),
    )
    before = (report.records, report.points)
    while delivery.step(store):
        pass
    store.sync()
    killed: list[str] = []
    if final:
        killed = store.mark_dead(journal.journal_id, int(last_seen * 1000), "the process died")
        journal.remove()
    report.journals += 1
    report.bytes += source.size
    report.runs += killed
    report.problems += source.problems
    for problem in source.problems:
        _log.warning("%s", problem)
    if final and (killed or before != (report.records, report.points)):
        _log.info(
            "Process %s on %s died; its journal was delivered: %d records, %d points; runs marked "
            "KILLED: %s",
            owner.pid if owner else "?",
            owner.host if owner else "?",
            report.records - before[0],
            report.points - before[1],
            ", ".join(killed) or "none",
        )


def _is_meant_for(store: TrackingStore, owner: Owner | None, *, is_here: bool) -> bool:
    """Whether a journal belongs to a store.

    One database may have several URIs: through a symbolic link, or with a query. A project that was
    moved has a store of another URI now; its journals moved with it.
    """
    if owner is None:
        return is_here
    if owner.store_uri == store.uri:
        return True
    theirs, ours = _database(owner.store_uri), _database(store.uri)
    if theirs is None or ours is None:
        return False
    if theirs.exists():
        return ours.exists() and theirs.samefile(ours)
    return is_here and theirs.name == ours.name


def _database(uri: str) -> Path | None:
    if not uri.startswith("sqlite:///"):
        return None
    return Path(uri.removeprefix("sqlite:///").partition("?")[0])


def _say_once(journal_id: str, text: str) -> None:
    if journal_id not in _said:
        _said.add(journal_id)
        _log.warning("%s", text)


def _details(error: Exception) -> Exception | None:
    return None if isinstance(error, ChiplogError) else error
