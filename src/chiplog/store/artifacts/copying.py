"""Writing a file so that a reader sees all of it or none, sharing blocks where the disk can."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from typing import TYPE_CHECKING, BinaryIO, Final

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARTIAL: Final = ".chiplog-part"
"""How the names of files end that are being written; listings leave them out."""

_CHUNK: Final = 1 << 20
_MAX_RANGE: Final = 1 << 30
_NO_RANGE_COPY: Final = {
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EBADF,
    errno.ETXTBSY,
}


def write_whole(data: bytes, place: Path) -> None:
    """Write ``data`` as the file ``place``, making its folders."""

    def write(target: BinaryIO) -> None:
        target.write(data)

    _whole(place, 0o666, write)


def copy_file(source: Path, place: Path, mode: int) -> None:
    """Copy the file ``source`` to ``place`` with at most the permissions ``mode``."""
    try:
        reading = source.open("rb", buffering=0)
    except OSError as error:
        raise InvalidValue(f"{str(source)!r} cannot be read to be copied: {error}.") from error
    with reading:

        def write(target: BinaryIO) -> None:
            if not _copy_range(reading.fileno(), target.fileno()):
                shutil.copyfileobj(reading, target, _CHUNK)

        _whole(place, mode, write)


def link_whole(source: Path, place: Path) -> bool:
    """Give the file ``source`` the name ``place`` besides; False if it cannot have it."""
    partial = place.parent / f".{secrets.token_hex(8)}{PARTIAL}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(os.path.realpath(source), partial)
    except (OSError, NotImplementedError):
        return False
    try:
        partial.replace(place)
        return True
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()  # still there if both are names of one file already


def _whole(place: Path, mode: int, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a file that then takes the name ``place`` in one step."""
    partial, descriptor = _create(place.parent, mode)
    try:
        # Buffered, since a bare write may take a part only, as on a disk that fills up.
        with open(descriptor, "wb") as target:  # noqa: PTH123 - a descriptor
            write(target)
        partial.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _create(directory: Path, mode: int) -> tuple[Path, int]:
    """Open a new file of a name that nobody else has in ``directory``."""
    partial = directory / f".{secrets.token_hex(8)}{PARTIAL}"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        return partial, os.open(partial, flags, mode)
    except FileNotFoundError:
        directory.mkdir(parents=True, exist_ok=True)
        return partial, os.open(partial, flags, mode)


def _copy_range(source: int, target: int) -> bool:
    """Copy within the kernel, sharing blocks if it can; False if nothing was copied this way."""
    copy = getattr(os, "copy_file_range", None)
    if copy is None:
        return False
    copied = 0
    while True:
        try:
            count = copy(source, target, _MAX_RANGE)
        except OSError as error:
            if copied == 0 and error.errno in _NO_RANGE_COPY:
                return False
            raise
        if count == 0:
            return copied > 0  # nothing at all: empty, or one of the kernel's own files
        copied += count
