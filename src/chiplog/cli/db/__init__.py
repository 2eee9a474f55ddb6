"""``chiplog db``: one file a command."""

from __future__ import annotations

import click

from chiplog.core.cli import LazyGroup


@click.group("db", cls=LazyGroup, lazy={"upgrade": "chiplog.cli.db.upgrade:command"})
def command() -> None:
    """Look after the database."""
