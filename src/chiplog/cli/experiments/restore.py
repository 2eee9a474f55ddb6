"""``chiplog experiments restore``."""

from __future__ import annotations

import click

from chiplog.cli.experiments.named import find, one_experiment


@click.command("restore")
@one_experiment
def command(which: tuple[str | None, str | None]) -> None:
    """Take an experiment and all its runs out of the bin."""
    from chiplog.cli.project import open_project
    from chiplog.core import experiments

    store = open_project()
    experiment_id = find(store, which).experiment_id
    experiments.restore(store.uri, experiment_id)
    click.echo(f"Experiment with id {experiment_id} has been restored.")
