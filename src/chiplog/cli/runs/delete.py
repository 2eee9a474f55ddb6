"""``chiplog runs delete``."""

from __future__ import annotations

import click

from chiplog.cli.runs.named import several_runs


@click.command("delete")
@several_runs
@click.option("--children", is_flag=True, help="Their child runs too.")
def command(runs: tuple[str, ...], children: bool) -> None:
    """Put runs in the bin. `runs restore` takes them out again, `gc` empties it."""
    from chiplog.cli.lookup import children_of, find_run
    from chiplog.cli.project import open_project
    from chiplog.core.entities import ViewType

    store = open_project()
    # All are found before the first is deleted: 'latest' must not move, and a typo deletes nothing.
    found = [find_run(store, text) for text in runs]
    if children:
        found += [child for run in found for child in children_of(store, run, ViewType.ACTIVE_ONLY)]
    for run in {run.info.run_id: run for run in found}.values():
        store.delete_run(run.info.run_id)
        click.echo(f"Run with ID {run.info.run_id} has been deleted.")
