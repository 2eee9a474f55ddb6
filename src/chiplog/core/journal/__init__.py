"""The journal: where everything that is recorded goes first, and survives the process.

Recording is one append to a memory-mapped file; one thread per process delivers to the store, and
any later process delivers what a dead one left behind.
"""

from __future__ import annotations

from chiplog.core.journal.closing import close_all, flush_all
from chiplog.core.journal.journal import Journal, open_journal
from chiplog.core.journal.orphans import begin_recovery, wait_until_recovered
from chiplog.core.journal.recovery import RecoveryReport, recover
from chiplog.core.journal.syncing import SyncReport, sync_directory

__all__ = [
    "Journal",
    "open_journal",
    "flush_all",
    "close_all",
    "recover",
    "begin_recovery",
    "wait_until_recovered",
    "RecoveryReport",
    "sync_directory",
    "SyncReport",
]
