"""Experiments as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chiplog.core.entities import Experiment


def show_experiments(
    filter_string: str, view: str, max_results: int | None, *, as_json: bool
) -> None:
    """Find experiments and print them."""
    from chiplog.cli.project import open_project
    from chiplog.cli.terminal import echo_json
    from chiplog.core.entities import ViewType

    store = open_project()
    number = ViewType.from_string(view)
    found: list[Experiment] = []
    token: str | None = None
    while max_results is None or len(found) < max_results:
        wanted = 1000 if max_results is None else min(1000, max_results - len(found))
        page = store.search_experiments(number, wanted, filter_string or None, None, token)
        found += page
        token = page.token
        if token is None:
            break
    if as_json:
        echo_json(found)
    elif not found:
        matching = f" that match {filter_string!r}" if filter_string else ""
        stage = " in the bin" if view == "deleted_only" else ""
        click.echo(f"There are no experiments{stage}{matching}.")
    else:
        _show(found)


def _show(experiments: list[Experiment]) -> None:
    from chiplog.cli.render.table import Column, Table
    from chiplog.cli.render.times import absolute, relative
    from chiplog.cli.terminal import terminal

    out = terminal()
    deleted = any(e.lifecycle_stage == "deleted" for e in experiments)
    table = Table(
        [
            Column("ID", style="yellow", right=True),
            Column("NAME", shrink=12, style="bold"),
            *([Column("STAGE")] if deleted else []),
            Column("CREATED", style="dim"),
            Column("ARTIFACT LOCATION", shrink=20, style="dim"),
        ]
    )
    when = relative if out.is_tty else absolute
    for experiment in experiments:
        table.add(
            experiment.experiment_id,
            experiment.name,
            *([experiment.lifecycle_stage] if deleted else []),
            when(experiment.creation_time),
            experiment.artifact_location,
        )
    out.table(table)
