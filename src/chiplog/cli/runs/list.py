"""``chiplog runs list``."""

from __future__ import annotations

from typing import Any

import click

from chiplog.cli.runs.listing import Request, listing_options, show_runs


@click.command("list")
@click.option("--filter", "-f", "filter_string", default="", help="As for runs search.")
@click.option("--children", is_flag=True, help="Child runs too, those of searches and folds.")
@click.option("--parent", metavar="RUN", help="The child runs of this run alone.")
@listing_options
def command(children: bool, **given: Any) -> None:
    """List the project's runs, latest first.

    A name followed by +12 has 12 child runs, such as the candidates of a grid search.
    """
    show_runs(Request(top_level=not children, **given))
