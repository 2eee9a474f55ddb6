"""The journals in a folder, and whether their processes live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.journal.files import FoundJournal


class JournalFacts(msgspec.Struct):
    """A journal: whose it is, and ``alive``, ``dead`` or ``unknown`` for its process.

    ``last_written`` is in milliseconds since the epoch.
    """

    journal_id: str
    state: str
    host: str
    pid: int | None
    last_written: int

    def owner_text(self) -> str:
        """Whose it is, in words."""
        return f"process {self.pid} on {self.host}" if self.pid else "an unknown process"


def journals_in(folder: Path) -> list[JournalFacts]:
    """Every journal in ``folder`` that has not been delivered and taken away yet."""
    if not folder.is_dir():
        return []
    from chiplog.core.journal.files import find_journals

    return [_facts(journal) for journal in find_journals(folder)]


def _facts(journal: FoundJournal) -> JournalFacts:
    from chiplog.core.journal.format import UnknownVersion

    written = round(journal.last_written() * 1000)
    try:
        owner = journal.owner()
    except UnknownVersion:
        return JournalFacts(journal.journal_id, "unknown", "", None, written)
    state = journal.verdict(owner).value
    return JournalFacts(
        journal.journal_id,
        "alive" if state == "ours" else state,
        owner.host if owner else "",
        owner.pid if owner else None,
        written,
    )
