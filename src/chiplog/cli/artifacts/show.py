"""``chiplog artifacts show``."""

from __future__ import annotations

import sys
from typing import BinaryIO

import click

_CHUNK = 1 << 20
_PROBE = 8192


@click.command("show")
@click.argument("run", metavar="RUN")
@click.argument("path")
def command(run: str, path: str) -> None:
    """Print a file of a run. What is not text is refused on a terminal, and piped as it is."""
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project
    from chiplog.cli.runs.files import artifacts_of
    from chiplog.core.errors import InvalidValue

    found = find_run(open_project(), run)
    with artifacts_of(found).open(path) as file:
        beginning = file.read(_PROBE)
        if sys.stdout.isatty() and b"\0" in beginning:
            raise InvalidValue(
                f"{path!r} is not text. To have it as a file: "
                f"chiplog artifacts download {run} {path}"
            )
        _copy(beginning, file)


def _copy(beginning: bytes, file: BinaryIO) -> None:
    target = sys.stdout.buffer
    chunk = beginning
    while chunk:
        target.write(chunk)
        chunk = file.read(_CHUNK)
    target.flush()
