"""Delivering what dead processes left in a store's journals, and telling their runs' fate."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chiplog.core.artifacts import outbox
from chiplog.core.clock import now_ms
from chiplog.core.errors import ChiplogError, StoreUnavailable
from chiplog.core.journal import gate
from chiplog.core.journal.delivery import TRIES, Delivery, RefusalReporter
from chiplog.core.journal.files import FileSource, FoundJournal, find_journals
from chiplog.core.journal.format import UnknownVersion
from chiplog.core.journal.owner import Verdict, claimed
from chiplog.core.location import journal_directory

if TYPE_CHECKING:
    from chiplog.core.journal.delivery import Stretch
    from chiplog.core.journal.owner import Owner
    from chiplog.core.stores import TrackingStore

_log = logging.getLogger("chiplog.journal")

_PATIENCE: Final = 30.0
_LOOK_SECONDS: Final = 0.02

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
    raises: what is wrong is in the report and logged. What another process is delivering already
    is waited for, up to 30 seconds.
    """
    report = RecoveryReport()
    until = time.monotonic() + _PATIENCE
    try:
        for journal, owner in find_orphans(store):
            deliver(journal, owner, store, report, final=True, until=until)
    except Exception as error:  # such as a working directory that was deleted
        report.problems.append(f"Looking for journals failed. {type(error).__name__}: {error}")
        _say_once(report.problems[-1], error)
    return report


def directories_of(store: TrackingStore) -> set[Path]:
    """Where journals that are meant for a store may lie."""
    common = journal_directory()
    return {store.journal_directory or common, common}


def find_orphans(store: TrackingStore) -> list[tuple[FoundJournal, Owner | None]]:
    """The journals that dead processes left behind for ``store``."""
    orphans: list[tuple[FoundJournal, Owner | None]] = []
    own = store.journal_directory
    for directory in directories_of(store):
        for journal in find_journals(directory):
            try:
                owner = journal.owner()
            except UnknownVersion as error:
                _say_once(str(error))
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
    until: float = 0.0,
    aloud: bool = True,
) -> None:
    """Deliver a journal that this process does not write.

    Args:
        journal: its files.
        owner: who wrote it, as far as known.
        store: where it goes.
        report: what happened is added to it.
        final: its owner is dead: salvage what is damaged, tell its runs' fate, remove its files.
        until: wait up to this time of the monotonic clock while somebody else delivers it.
        aloud: log what goes wrong, beside reporting it.
    """
    while not _delivered(journal, owner, store, report, final=final, aloud=aloud):
        if time.monotonic() > until or not journal.owner_path.exists():
            return
        time.sleep(_LOOK_SECONDS)


def _delivered(
    journal: FoundJournal,
    owner: Owner | None,
    store: TrackingStore,
    report: RecoveryReport,
    *,
    final: bool,
    aloud: bool,
) -> bool:
    """Deliver a journal as far as possible; False if somebody else is at it."""
    with claimed(journal.owner_path, lock=final) as free:
        if not free:
            return False
        problems: list[str] = []
        cause: Exception | None = None
        try:
            _deliver(journal, owner, store, report, problems, final=final)
        except UnknownVersion as error:
            problems.append(f"Journal {journal.journal_id} is left alone. {error}")
        except Exception as error:
            cause = error
            problems.append(
                f"Journal {journal.journal_id} in {journal.directory} could not be delivered to "
                f"{store.uri} and stays where it is. {type(error).__name__}: {error}"
            )
        report.problems += problems
        for problem in problems if aloud else ():
            _say_once(problem, cause)
        return True


def _deliver(
    journal: FoundJournal,
    owner: Owner | None,
    store: TrackingStore,
    report: RecoveryReport,
    problems: list[str],
    *,
    final: bool,
) -> None:
    source = FileSource(journal, salvage=final, problems=problems)
    before = (report.records, report.points)
    with gate.passing():
        delivery = Delivery(
            source,
            store.cursor(journal.journal_id),
            on_applied=report.count,
            on_refused=RefusalReporter(lambda _run_id: None),
        )
    while _step(delivery, store):
        pass
    killed: list[str] = []
    with gate.passing():
        store.sync()
        if final:
            last_seen = _last_seen(journal, owner, source)
            killed = store.mark_dead(journal.journal_id, last_seen, "the process died")
    if final:
        outbox.deliver(store, outbox.folder_of(journal.directory, journal.journal_id))
        journal.remove()
    report.journals += 1
    report.bytes += source.size
    report.runs += killed
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


def _step(delivery: Delivery, store: TrackingStore) -> bool:
    """Deliver a batch, trying again as often as it takes to find the record that is to blame."""
    for _ in range(TRIES - 1):
        try:
            with gate.passing():
                return delivery.step(store)
        except StoreUnavailable:
            raise
        except Exception as error:
            _log.debug("Delivering a batch to %s failed: %r", store.uri, error)
            time.sleep(_LOOK_SECONDS)
    with gate.passing():
        return delivery.step(store)


def _last_seen(journal: FoundJournal, owner: Owner | None, source: FileSource) -> int:
    """When a dead process gave its last sign of life, in ms since the epoch.

    The journal's own times tell: the kernel may note the time of a mapped file's first write only.
    Since users give points any times they like, what is told is bounded by its birth and by now.
    """
    told = source.latest_time()
    if told is None:
        told = int(journal.last_written() * 1000)
    return min(max(told, owner.created if owner else 0), now_ms())


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


def _say_once(text: str, cause: Exception | None = None) -> None:
    if text not in _said:
        _said.add(text)
        is_ours = cause is None or isinstance(cause, ChiplogError)
        _log.warning("%s", text, exc_info=None if is_ours else cause)
