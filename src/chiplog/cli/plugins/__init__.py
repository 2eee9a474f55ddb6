"""``chiplog plugins``: one file a command; by itself it lists them."""

from __future__ import annotations

import click

from chiplog.cli.options import json_option
from chiplog.core.cli import LazyGroup

NAMES = {
    "certify": "chiplog.cli.plugins.certify:command",
    "list": "chiplog.cli.plugins.listing:command",
    "new": "chiplog.cli.plugins.new:command",
}


@click.group("plugins", cls=LazyGroup, lazy=NAMES, invoke_without_command=True)
@click.option("--verbose", is_flag=True, help="Also show each plugin's module and hooks.")
@json_option
@click.pass_context
def command(ctx: click.Context, verbose: bool, as_json: bool) -> None:
    """List the plugins, begin one of your own, and certify it."""
    if ctx.invoked_subcommand is None:
        from chiplog.cli.plugins.listing import list_plugins

        list_plugins(verbose=verbose, as_json=as_json)
