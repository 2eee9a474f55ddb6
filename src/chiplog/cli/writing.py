"""Writing to a file that the user named, or to standard output."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator

STDOUT = "-"


@contextlib.contextmanager
def open_output(name: str) -> Iterator[IO[Any]]:
    """A text file to write, ``-`` for standard output; the file is there whole or not at all.

    Raises InvalidValue if its folder is not there.
    """
    folder = Path(name).absolute().parent
    if name != STDOUT and not folder.is_dir():
        raise InvalidValue(f"There is no folder {str(folder)!r} to write {Path(name).name!r} into.")
    with click.open_file(name, "w", encoding="utf-8", atomic=name != STDOUT) as target:
        yield target
