"""``chiplog experiments create``."""

from __future__ import annotations

import click


@click.command("create")
@click.option("--experiment-name", "-n", required=True, metavar="NAME", help="Its name.")
@click.option("--artifact-location", "-l", metavar="URI", help="Where its runs' files go.")
def command(experiment_name: str, artifact_location: str | None) -> None:
    """Create an experiment."""
    from chiplog.cli.project import open_or_create_project
    from chiplog.core import experiments

    uri = open_or_create_project().uri
    experiment_id = experiments.create(uri, experiment_name, artifact_location)
    click.echo(f"Created experiment '{experiment_name}' with id {experiment_id}")
