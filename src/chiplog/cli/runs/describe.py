"""``chiplog runs describe``."""

from __future__ import annotations

import click

from chiplog.cli.runs.named import one_run


@click.command("describe")
@one_run
def command(run: str) -> None:
    """Print a run as JSON: info, metrics, parameters, tags, inputs, outputs."""
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project
    from chiplog.cli.runs.view import document
    from chiplog.cli.terminal import echo_json

    echo_json(document(find_run(open_project(), run)))
