"""Bounds on archives, which can be far larger than the file they come in: checked before reading.

A model's own file may be as large as it likes. What is refused is one that unfolds to a multiple of
its size, as an archive of zeros does, or that has entries beyond number.
"""

from __future__ import annotations

import os
import re
import zipfile
from typing import IO, TYPE_CHECKING, Final

from chiplog.core.config import env_float
from chiplog.core.errors import DamagedModel

if TYPE_CHECKING:
    from pathlib import Path

_MOST_ENTRIES: Final = 250_000
_MOST_TIMES: Final = 100.0
#: Up to this many bytes an archive may unfold to, whatever its own size.
_ALWAYS: Final = 64 << 20

_DRIVE: Final = re.compile(r"[A-Za-z]:")


def check_archive(archive: zipfile.ZipFile, path: Path | str, size: int) -> None:
    """Check what a zip archive of ``size`` bytes says it holds; raises DamagedModel.

    Python reads no more of an entry than is said here. The bounds are
    ``CHIPLOG_MODEL_MAX_ENTRIES`` (250000) and ``CHIPLOG_MODEL_MAX_EXPANSION`` (100 times its size).
    """
    entries = archive.infolist()
    most = int(env_float("MODEL_MAX_ENTRIES", _MOST_ENTRIES))
    if len(entries) > most:
        raise DamagedModel(
            f"{str(path)!r} was not read: it has {len(entries)} entries, and {most} are allowed. "
            "Set CHIPLOG_MODEL_MAX_ENTRIES if that is right."
        )
    times = env_float("MODEL_MAX_EXPANSION", _MOST_TIMES)
    total = sum(entry.file_size for entry in entries)
    if total > max(_ALWAYS, times * size):
        raise DamagedModel(
            f"{str(path)!r} was not read: its {size} bytes unfold to {total}, more than "
            f"{times:g} times as much, as in an archive made to fill the memory. Set "
            "CHIPLOG_MODEL_MAX_EXPANSION if that is right."
        )
    for entry in entries:
        if not _is_below(entry.filename):
            raise DamagedModel(
                f"{str(path)!r} was not read: it has an entry that leads out of it, "
                f"{entry.filename!r:.200}."
            )


def check_zip(path: Path) -> None:
    """Check a file as :func:`check_archive` does if it is a zip archive; others pass."""
    with path.open("rb") as stream:
        check_stream(stream, path)


def check_stream(stream: IO[bytes], path: Path | str) -> None:
    """The same for a stream, or for an archive inside another; left at its beginning."""
    size = stream.seek(0, os.SEEK_END)
    if zipfile.is_zipfile(stream):
        try:
            with zipfile.ZipFile(stream) as archive:
                check_archive(archive, path, size)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            raise DamagedModel(f"{str(path)!r} is no readable archive: {error}") from error
    stream.seek(0)


def _is_below(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." not in parts and parts[0] != "" and not _DRIVE.match(name)
