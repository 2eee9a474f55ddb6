"""``chiplog experiments csv``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chiplog.cli.experiments.named import find, one_experiment

if TYPE_CHECKING:
    from chiplog.core.entities import Run
    from chiplog.core.stores import TrackingStore

_ATTRIBUTES = ("run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time")


@click.command("csv")
@one_experiment
@click.option(
    "--filename",
    "-o",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    metavar="FILE",
    help="Where to.  [default: standard output]",
)
def command(which: tuple[str | None, str | None], filename: str) -> None:
    """Write all runs of an experiment as CSV: the columns of a search_runs() frame."""
    from chiplog.cli.project import open_project
    from chiplog.cli.writing import open_output

    store = open_project()
    experiment = find(store, which)
    runs = _runs(store, experiment.experiment_id)
    with open_output(filename) as target:
        _write(runs, target)
    if filename != "-":
        click.echo(
            f"Experiment with ID {experiment.experiment_id} has been exported as a CSV to file: "
            f"{filename}."
        )


def _runs(store: TrackingStore, experiment_id: str) -> list[Run]:
    from chiplog.cli.terminal import progress
    from chiplog.core.entities import ViewType

    runs: list[Run] = []
    token: str | None = None
    with progress("Reading runs") as advance:
        while True:
            page = store.search_runs([experiment_id], "", ViewType.ACTIVE_ONLY, 1000, None, token)
            runs += page
            advance(len(page))
            token = page.token
            if token is None:
                return runs


def _write(runs: list[Run], target: Any) -> None:
    import csv

    columns = list(_ATTRIBUTES)
    for kind in ("metrics", "params", "tags"):
        keys = {key: None for run in runs for key in getattr(run.data, kind)}
        columns += [f"{kind}.{key}" for key in keys]
    writer = csv.DictWriter(target, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(run) for run in runs)


def _row(run: Run) -> dict[str, Any]:
    info = run.info
    row: dict[str, Any] = {name: getattr(info, name) for name in _ATTRIBUTES}
    row["start_time"], row["end_time"] = _frame_time(info.start_time), _frame_time(info.end_time)
    for kind in ("metrics", "params", "tags"):
        row |= {f"{kind}.{key}": value for key, value in getattr(run.data, kind).items()}
    return row


def _frame_time(moment: int | None) -> str:
    """A time as a frame's CSV has it: ``2025-11-21 11:59:32.244000+00:00``."""
    from chiplog.cli.render.times import iso

    return (iso(moment) or "").replace("T", " ")
