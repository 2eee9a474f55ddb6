"""``chiplog runs search``."""

from __future__ import annotations

from typing import Any

import click

from chiplog.cli.runs.listing import Request, listing_options, show_runs


@click.command("search")
@click.argument("filter_string", metavar="[FILTER]", default="")
@listing_options
def command(**given: Any) -> None:
    """List the runs that match FILTER, child runs included.

    \b
    For example:
        chiplog runs search "metrics.accuracy > 0.9 and params.C = '1.0'"
        chiplog runs search "status = 'FAILED' or not tags.stage = 'test'"
        chiplog runs search "run_name ILIKE '%forest%'" -o "metrics.loss DESC"

    Keys are metrics.NAME, params.NAME, tags.NAME, datasets.name|digest|context and attributes:
    run_id, run_name, status, user_id, artifact_uri, start_time, end_time. Names with other signs
    stand in `backticks`. Operators: = != < <= > >= LIKE ILIKE IN, NOT IN, IS NULL, IS NOT NULL,
    joined by AND, OR, NOT and parentheses.
    """  # noqa: D301 - click reads the backspaces
    show_runs(Request(top_level=False, **given))
