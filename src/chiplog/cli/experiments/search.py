"""``chiplog experiments search``."""

from __future__ import annotations

import click

from chiplog.cli.experiments.listing import show_experiments
from chiplog.cli.options import json_option, view_option


@click.command("search")
@click.argument("filter_string", metavar="[FILTER]", default="")
@view_option
@click.option("--max-results", "-l", type=click.IntRange(min=1), help="At most this many.")
@json_option
def command(filter_string: str, view: str, max_results: int | None, as_json: bool) -> None:
    """List the experiments that match FILTER, or all.

    \b
    For example:
        chiplog experiments search "name ILIKE '%churn%' and tags.team = 'a'"
    """  # noqa: D301 - click reads the backspaces
    show_experiments(filter_string, view, max_results, as_json=as_json)
