"""``chiplog experiments list``."""

from __future__ import annotations

import click

from chiplog.cli.experiments.listing import show_experiments
from chiplog.cli.options import json_option, view_option


@click.command("list")
@view_option
@click.option("--max-results", "-l", type=click.IntRange(min=1), help="At most this many.")
@json_option
def command(view: str, max_results: int | None, as_json: bool) -> None:
    """List the project's experiments, newest first."""
    show_experiments("", view, max_results, as_json=as_json)
