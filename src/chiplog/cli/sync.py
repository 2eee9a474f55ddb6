"""``chiplog sync``: deliver journals."""

from __future__ import annotations

from pathlib import Path

import click

from chiplog.cli.options import json_option


@click.command("sync")
@click.argument(
    "directory",
    metavar="[DIR]",
    required=False,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@json_option
def command(directory: Path | None, as_json: bool) -> None:
    """Deliver what lies in journals to the store.

    Journals are left behind by processes that died, or that could not reach their store. DIR is a
    folder of journals, such as one that was copied from a cluster's node; the project's own unless
    given.
    """
