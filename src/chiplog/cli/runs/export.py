"""``chiplog runs export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chiplog.cli.runs.named import several_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from chiplog.core.entities import Run
    from chiplog.core.stores import TrackingStore


@click.command("export")
@several_runs
@click.option(
    "--format",
    "-f",
    "as_format",
    type=click.Choice(["json", "csv"]),
    default="json",
    show_default=True,
    help="json: everything but the files; csv: the metric points.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    metavar="FILE",
    help="Where to.  [default: standard output]",
)
@click.option("--children", is_flag=True, help="Their child runs too.")
def command(runs: tuple[str, ...], as_format: str, output: str, children: bool) -> None:
    """Write runs out in full, every metric point included.

    The files of a run are had by `chiplog artifacts download`.
    """
    from chiplog.cli.lookup import children_of, find_run
    from chiplog.cli.project import open_project
    from chiplog.cli.render.numbers import plural
    from chiplog.cli.writing import open_output

    store = open_project()
    found = [find_run(store, text) for text in runs]
    if children:
        found += [child for run in found for child in children_of(store, run)]
    with open_output(output) as target:
        if as_format == "csv":
            _write_csv(store, found, target)
        else:
            _write_json(store, found, target)
    if output != "-":
        click.echo(f"{plural(len(found), 'run')} written to {output}", err=True)


def _write_json(store: TrackingStore, runs: list[Run], target: IO[Any]) -> None:
    from chiplog.cli.render.json import dumps
    from chiplog.cli.terminal import followed

    documents = [_whole(store, run) for run in followed("Reading runs", runs, len(runs))]
    target.write(dumps(documents) + "\n")


def _whole(store: TrackingStore, run: Run) -> dict[str, Any]:
    from chiplog.cli.runs.show import whole_document

    whole = whole_document(store, run)
    whole["metrics"] = [
        {
            "key": points.series.key,
            "model_id": points.series.model_id,
            "dataset_name": points.series.dataset_name,
            "dataset_digest": points.series.dataset_digest,
            "steps": points.steps.tolist(),
            "timestamps": points.timestamps.tolist(),
            "values": points.values.tolist(),
        }
        for points in _series(store, run)
    ]
    return whole


def _write_csv(store: TrackingStore, runs: list[Run], target: IO[Any]) -> None:
    import csv

    from chiplog.cli.terminal import followed

    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(["run_id", "key", "step", "timestamp", "value"])
    for run in followed("Reading runs", runs, len(runs)):
        for points in _series(store, run):
            columns = points.steps.tolist(), points.timestamps.tolist(), points.values.tolist()
            writer.writerows(
                [run.info.run_id, points.series.key, step, timestamp, repr(value)]
                for step, timestamp, value in zip(*columns, strict=True)
            )


def _series(store: TrackingStore, run: Run) -> Iterator[Any]:
    for summary in store.get_metric_summaries(run.info.run_id):
        yield from store.get_points(run.info.run_id, summary.key)
