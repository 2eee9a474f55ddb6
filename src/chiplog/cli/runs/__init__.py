"""``chiplog runs``: one file a command."""

from __future__ import annotations

import click

from chiplog.core.cli import LazyGroup

NAMES = (
    "compare",
    "create",
    "delete",
    "describe",
    "export",
    "list",
    "restore",
    "search",
    "show",
)


@click.group(
    "runs",
    cls=LazyGroup,
    lazy={name: f"chiplog.cli.runs.{name}:command" for name in NAMES},
)
def command() -> None:
    """List, show, search, compare, export and delete runs."""
