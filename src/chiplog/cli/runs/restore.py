"""``chiplog runs restore``."""

from __future__ import annotations

import click

from chiplog.cli.runs.named import several_runs


@click.command("restore")
@several_runs
@click.option("--children", is_flag=True, help="Their child runs too.")
def command(runs: tuple[str, ...], children: bool) -> None:
    """Take runs out of the bin."""
    from chiplog.cli.lookup import children_of, find_run
    from chiplog.cli.project import open_project
    from chiplog.core.entities import ViewType

    store = open_project()
    found = [find_run(store, text, ViewType.DELETED_ONLY) for text in runs]
    if children:
        found += [
            child for run in found for child in children_of(store, run, ViewType.DELETED_ONLY)
        ]
    for run in {run.info.run_id: run for run in found}.values():
        store.restore_run(run.info.run_id)
        click.echo(f"Run with id {run.info.run_id} has been restored.")
