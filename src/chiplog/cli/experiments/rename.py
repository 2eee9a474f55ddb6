"""``chiplog experiments rename``."""

from __future__ import annotations

import click

from chiplog.cli.experiments.named import find, one_experiment


@click.command("rename")
@one_experiment
@click.option("--new-name", required=True, metavar="NAME", help="Its name from now on.")
def command(which: tuple[str | None, str | None], new_name: str) -> None:
    """Give an experiment another name."""
    from chiplog.cli.project import open_project
    from chiplog.core import experiments

    store = open_project()
    experiment_id = find(store, which).experiment_id
    experiments.rename(store.uri, experiment_id, new_name)
    click.echo(f"Experiment with id {experiment_id} has been renamed to '{new_name}'.")
