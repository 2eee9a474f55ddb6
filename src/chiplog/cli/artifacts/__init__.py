"""``chiplog artifacts``: one file a command."""

from __future__ import annotations

import click

from chiplog.core.cli import LazyGroup

NAMES = ("download", "list", "log-artifact", "log-artifacts", "show")


@click.group(
    "artifacts",
    cls=LazyGroup,
    lazy={n: f"chiplog.cli.artifacts.{n.replace('-', '_')}:command" for n in NAMES},
)
def command() -> None:
    """List, show, download and add the files of runs."""
