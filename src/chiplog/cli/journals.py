"""The journals in a folder, and whether their processes live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


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


def find_journals(folder: Path) -> list[JournalFacts]:
    """Every journal in ``folder`` that has not been delivered and taken away yet."""
    ids = {path.name.split(".")[0] for path in folder.glob("*.seg")} if folder.is_dir() else set()
    return [_facts(folder, journal_id) for journal_id in sorted(ids)]


def _facts(folder: Path, journal_id: str) -> JournalFacts:
    from chiplog.core.journal.format import UnknownVersion
    from chiplog.core.journal.owner import SUFFIX, judge, read_owner

    written = max((_modified(path) for path in folder.glob(f"{journal_id}.*.seg")), default=0.0)
    path = folder / f"{journal_id}{SUFFIX}"
    try:
        owner = read_owner(path)
    except UnknownVersion:
        return JournalFacts(journal_id, "unknown", "", None, round(written * 1000))
    state = judge(path, owner, written).value
    return JournalFacts(
        journal_id,
        "alive" if state == "ours" else state,
        owner.host if owner else "",
        owner.pid if owner else None,
        round(written * 1000),
    )


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # delivered and taken away in the meantime
        return 0.0
