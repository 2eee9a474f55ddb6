"""``chiplog experiments delete``."""

from __future__ import annotations

import click

from chiplog.cli.experiments.named import find, one_experiment


@click.command("delete")
@one_experiment
def command(which: tuple[str | None, str | None]) -> None:
    """Put an experiment and all its runs in the bin; `experiments restore` takes them out."""
    from chiplog.cli.project import open_project
    from chiplog.core import experiments

    store = open_project()
    experiment_id = find(store, which).experiment_id
    experiments.delete(store.uri, experiment_id)
    click.echo(f"Experiment with ID {experiment_id} has been deleted.")
