"""``chiplog experiments set-tag``."""

from __future__ import annotations

import click

from chiplog.cli.experiments.named import find, one_experiment


@click.command("set-tag")
@one_experiment
@click.argument("key")
@click.argument("value")
def command(which: tuple[str | None, str | None], key: str, value: str) -> None:
    """Set a tag of an experiment."""
    from chiplog.cli.project import open_project
    from chiplog.core import experiments

    store = open_project()
    experiment = find(store, which)
    experiments.set_tags(store.uri, experiment.experiment_id, {key: value})
    click.echo(f"Tag {key!r} of experiment {experiment.name!r} is {value!r}.")
