"""Who owns a journal, and whether that process still lives.

Beside its segments a journal has ``<journal id>.owner``: JSON, written before the first segment
and removed after the last. Its process holds a POSIX lock on it, which a fork does not inherit
and death lets go of; that tells life from death across containers that share a kernel.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
import time
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from chiplog.core.clock import now_ms
from chiplog.core.journal.filesystem import is_local
from chiplog.core.journal.format import VERSION, UnknownVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

SUFFIX: Final = ".owner"
_BIRTH_SECONDS: Final = 5.0  # what a process needs to write its owner file, and far more


class Owner(msgspec.Struct, frozen=True):
    """The process that writes a journal, and the store it writes for.

    ``started`` is in the kernel's ticks since boot on Linux; ``created`` in ms since the epoch.
    """

    format: int
    journal_id: str
    store_uri: str
    host: str
    boot_id: str
    pid: int
    started: int
    pid_namespace: str
    created: int
    locked: bool


class Verdict(Enum):
    """What can be said of a journal's owner."""

    OURS = "ours"
    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


_ours: set[str] = set()
_claimed: set[str] = set()
_claiming = threading.Lock()


class OwnerFile:
    """This process's claim on a journal it writes."""

    def __init__(self, directory: Path, journal_id: str, store_uri: str, *, lock: bool) -> None:
        self.path = directory / f"{journal_id}{SUFFIX}"
        self._journal_id = journal_id
        _ours.add(journal_id)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._fd = os.open(self.path, flags, 0o666)
        try:
            locked = lock and _lock(self._fd) is True
            owner = describe_process(journal_id, store_uri, locked=locked)
            os.write(self._fd, msgspec.json.encode(owner))
        except BaseException:
            self.release()
            with contextlib.suppress(OSError):
                self.path.unlink()
            raise
        self._locked = locked

    def renew(self) -> None:
        """Sync the file and lock it again, should something of this process have let go of it."""
        os.fsync(self._fd)
        if self._locked:
            _lock(self._fd)

    def release(self) -> None:
        """Let go of the file; it stays where it is."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        _ours.discard(self._journal_id)


def forget_parents_journals() -> None:
    """Called in a forked child: what was ours is our parent's."""
    global _claiming  # noqa: PLW0603 - the parent may have held it
    _claiming = threading.Lock()
    _ours.clear()
    _claimed.clear()
    _started_of_self.cache_clear()


def describe_process(journal_id: str, store_uri: str, *, locked: bool) -> Owner:
    """This process as an owner."""
    return Owner(
        format=VERSION,
        journal_id=journal_id,
        store_uri=store_uri,
        host=socket.gethostname(),
        boot_id=boot_id(),
        pid=os.getpid(),
        started=_started_of_self(),
        pid_namespace=pid_namespace(),
        created=now_ms(),
        locked=locked,
    )


def read_owner(path: Path) -> Owner | None:
    """The owner that a file names, or None if it is missing or damaged; raises UnknownVersion."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    with contextlib.suppress(msgspec.MsgspecError):
        version = msgspec.json.decode(data, type=_Versioned).format
        if version != VERSION:
            raise UnknownVersion(
                f"Journal {path.stem} has format {version}, which this chiplog does not know "
                f"(it knows {VERSION}); it is left alone. Update chiplog to deliver it."
            )
        return msgspec.json.decode(data, type=Owner)
    return None


def judge(path: Path, owner: Owner | None, last_written: float) -> Verdict:
    """Whether a journal's owner lives.

    Args:
        path: the owner file.
        owner: what it says, or None if it says nothing legible.
        last_written: when the journal was last written, in seconds since the epoch.
    """
    if path.stem in _ours:
        return Verdict.OURS
    if owner is None:
        # Its process died before it had written it, or the power failed before it was synced.
        is_left = time.time() - last_written > _BIRTH_SECONDS and is_local(path.parent)
        is_dead = (is_left and _is_unlocked(path)) or last_written < boot_time()
        return Verdict.DEAD if is_dead else Verdict.UNKNOWN
    if _same_kernel(owner):
        if owner.pid_namespace == pid_namespace():
            alive = is_running(owner.pid, owner.started)
            return Verdict.ALIVE if alive else Verdict.DEAD
        if owner.locked:
            return Verdict.DEAD if _is_unlocked(path) else Verdict.ALIVE
        return Verdict.UNKNOWN
    rebooted = owner.host == socket.gethostname() and last_written < boot_time()
    return Verdict.DEAD if rebooted else Verdict.UNKNOWN


@contextlib.contextmanager
def claimed(path: Path, *, lock: bool) -> Iterator[bool]:
    """Claim another's journal for as long as the block runs; False if somebody else has.

    Within this process always, and against others with ``lock``, for a dead owner's. Where locks
    do not work two may have it at once; the store's cursor sees to the rest.
    """
    with _claiming:
        free = str(path) not in _claimed
        _claimed.add(str(path))
    if not free:
        yield False
        return
    fd = -1
    try:
        if lock:
            with contextlib.suppress(OSError):
                fd = os.open(path, os.O_RDWR)
        taken = fd >= 0 and (_lock(fd) is False or os.fstat(fd).st_nlink == 0)
        yield not taken
    finally:
        if fd >= 0:
            os.close(fd)
        with _claiming:
            _claimed.discard(str(path))


def is_running(pid: int, started: int) -> bool:
    """Whether the process ``pid`` that started at ``started`` runs; a zombie does not."""
    if Path("/proc/self/stat").exists():
        stat = _proc_stat(pid)
        return stat is not None and stat[0] not in {"Z", "X"} and int(stat[19]) == started
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and round(process.create_time()) == started
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


@cache
def boot_id() -> str:
    """What tells one boot of this machine from all others; empty where there is no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def boot_time() -> float:
    """When this machine was booted, in seconds since the epoch."""
    import psutil

    return psutil.boot_time()


def pid_namespace() -> str:
    """What tells this process's pids from those of other containers."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)  # noqa: PTH116 - a stat of a magic link
    except OSError:
        return ""


class _Versioned(msgspec.Struct):
    format: int


@cache
def _started_of_self() -> int:
    return process_started(os.getpid())


def process_started(pid: int) -> int:
    """When a process of this machine started, as :class:`Owner` has it; 0 if there is none."""
    stat = _proc_stat(pid)
    if stat is not None:
        return int(stat[19])
    import psutil

    try:
        return round(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0


def _proc_stat(pid: int) -> list[str] | None:
    """Fields of ``/proc/<pid>/stat`` from the state on: 0 is the state, 19 the start time."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _same_kernel(owner: Owner) -> bool:
    if owner.boot_id or boot_id():
        return owner.boot_id == boot_id()
    return owner.host == socket.gethostname()


def _is_unlocked(path: Path) -> bool:
    """Whether nobody holds the lock on a file; False if that cannot be told."""
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return _lock(fd) is True
    finally:
        os.close(fd)


def _lock(fd: int) -> bool | None:
    """Take the POSIX lock without waiting: False if another has it, None if there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in {errno.EACCES, errno.EAGAIN} else None
    return True
