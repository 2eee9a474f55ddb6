"""The built-in commands of the ``chiplog`` program, a plugin like any other: one file a command."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from chiplog.hooks import hookimpl

if TYPE_CHECKING:
    import click

COMMANDS = (
    "artifacts",
    "db",
    "demo",
    "doctor",
    "exec",
    "experiments",
    "explain",
    "gc",
    "models",
    "plugins",
    "runs",
    "sync",
    "where",
)


@hookimpl
def chiplog_cli(group: click.Group) -> None:
    """Add the built-in commands: each is the attribute ``command`` of the module of its name."""
    for name in COMMANDS:
        group.add_command(import_module(f"chiplog.cli.{name}").command, name)
