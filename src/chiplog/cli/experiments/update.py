"""``chiplog experiments update``."""

from __future__ import annotations

import click

from chiplog.cli.experiments.named import find, one_experiment
from chiplog.core.tags import DESCRIPTION


@click.command("update")
@one_experiment
@click.option("--new-name", metavar="NAME", help="Its name from now on.")
@click.option("--description", metavar="TEXT", help="A note on it.")
@click.option("--tag", "-t", "tags", multiple=True, metavar="KEY=VALUE", help="May be repeated.")
@click.option("--delete-tag", "deleted", multiple=True, metavar="KEY", help="May be repeated.")
def command(
    which: tuple[str | None, str | None],
    new_name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    deleted: tuple[str, ...],
) -> None:
    """Change an experiment's name, note and tags."""
    wanted = dict(_pair(text) for text in tags)
    if description is not None:
        wanted[DESCRIPTION] = description
    if not (wanted or deleted or new_name):
        raise click.UsageError(
            "Nothing to change: give --new-name, --description, --tag or --delete-tag."
        )

    from chiplog.cli.project import open_project
    from chiplog.core import experiments

    store = open_project()
    experiment_id = find(store, which).experiment_id
    experiments.set_tags(store.uri, experiment_id, wanted)
    for key in deleted:
        experiments.delete_tag(store.uri, experiment_id, key)
    if new_name is not None:
        experiments.rename(store.uri, experiment_id, new_name)
    click.echo(f"Experiment with id {experiment_id} has been updated.")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is no KEY=VALUE.", param_hint="'--tag'")
    return key, value
