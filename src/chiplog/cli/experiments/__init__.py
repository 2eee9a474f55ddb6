"""``chiplog experiments``: one file a command."""

from __future__ import annotations

import click

from chiplog.core.cli import LazyGroup

NAMES = (
    "create",
    "csv",
    "delete",
    "get",
    "list",
    "rename",
    "restore",
    "search",
    "set-tag",
    "update",
)


@click.group(
    "experiments",
    cls=LazyGroup,
    lazy={n: f"chiplog.cli.experiments.{n.replace('-', '_')}:command" for n in NAMES},
)
def command() -> None:
    """Create, find and change experiments."""
