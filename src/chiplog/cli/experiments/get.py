"""``chiplog experiments get``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chiplog.cli.experiments.named import find, one_experiment
from chiplog.cli.options import json_option

if TYPE_CHECKING:
    from chiplog.core.entities import Experiment


@click.command("get")
@one_experiment
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people or for machines.",
)
@json_option
def command(which: tuple[str | None, str | None], output: str, as_json: bool) -> None:
    """Show one experiment."""
    from chiplog.cli.project import open_project
    from chiplog.cli.terminal import echo_json

    experiment = find(open_project(), which)
    if as_json or output == "json":
        echo_json(experiment)
    else:
        _show(experiment)


def _show(experiment: Experiment) -> None:
    from chiplog.cli.render.text import printable
    from chiplog.cli.render.times import absolute
    from chiplog.cli.terminal import terminal

    out = terminal()
    out.fields(
        [
            ("Experiment ID", experiment.experiment_id),
            ("Name", printable(experiment.name)),
            ("Artifact Location", printable(experiment.artifact_location)),
            ("Lifecycle Stage", experiment.lifecycle_stage),
            ("Creation Time", absolute(experiment.creation_time)),
            ("Last Update Time", absolute(experiment.last_update_time)),
            *(
                (f"Tag {printable(key)}", printable(value))
                for key, value in sorted(experiment.tags.items())
            ),
        ],
        indent=0,
    )
