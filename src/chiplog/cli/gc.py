"""``chiplog gc``: empty the bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chiplog.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.stores import GarbageReport, TrackingStore

_COUNTS = (
    "experiments",
    "runs",
    "models",
    "points",
    "artifact_files",
    "artifact_bytes",
    "database_bytes",
)


@click.command("gc")
@click.option(
    "--older-than", metavar="AGE", help="Only what was deleted longer ago, such as 7d or 2d8h5m20s."
)
@click.option("--run-ids", multiple=True, metavar="IDS", help="Only these runs; commas between.")
@click.option("--experiment-ids", multiple=True, metavar="IDS", help="Only these experiments.")
@click.option("--tracking-uri", metavar="URI", help="The store.  [default: the project's]")
@click.option("--backend-store-uri", metavar="URI", help="The same, as MLflow has it.")
@click.option(
    "--artifacts-destination",
    envvar=["CHIPLOG_ARTIFACTS_DESTINATION", "MLFLOW_ARTIFACTS_DESTINATION"],
    hidden=True,
)
@click.option("--dry-run", is_flag=True, help="Report what would be freed, and free nothing.")
@json_option
def command(
    older_than: str | None,
    run_ids: tuple[str, ...],
    experiment_ids: tuple[str, ...],
    tracking_uri: str | None,
    backend_store_uri: str | None,
    artifacts_destination: str | None,  # noqa: ARG001 - every run knows where its files are
    dry_run: bool,
    as_json: bool,
) -> None:
    """Empty the bin for good, and say what that freed.

    Deleted runs and experiments go, with their metric points, models and files. What is in use is
    never touched.
    """
    from chiplog.cli.project import open_project
    from chiplog.cli.render.times import parse_age
    from chiplog.cli.terminal import echo_json, progress
    from chiplog.core.location import set_tracking_uri

    if tracking_uri or backend_store_uri:
        set_tracking_uri(tracking_uri or backend_store_uri)
    age = parse_age(older_than) if older_than else 0
    store = open_project()
    with progress("Looking" if dry_run else "Emptying the bin"):
        report = store.collect_garbage(
            older_than_ms=age,
            run_ids=_runs(store, run_ids),
            experiment_ids=_split(experiment_ids),
            dry_run=dry_run,
        )
    if as_json:
        counts: dict[str, Any] = {name: getattr(report, name) for name in _COUNTS}
        echo_json({"dry_run": dry_run, **counts})
    else:
        _show(report, dry_run=dry_run)


def _split(texts: Sequence[str]) -> list[str] | None:
    ids = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    return ids or None


def _runs(store: TrackingStore, texts: Sequence[str]) -> list[str] | None:
    from chiplog.cli.lookup import find_run

    ids = _split(texts)
    return None if ids is None else [find_run(store, text).info.run_id for text in ids]


def _show(report: GarbageReport, *, dry_run: bool) -> None:
    from chiplog.cli.render.numbers import plural, size

    if not any(getattr(report, name) for name in _COUNTS):
        click.echo("There is nothing to free." if dry_run else "There was nothing to free.")
        return
    things = [
        plural(report.experiments, "experiment"),
        plural(report.runs, "run"),
        plural(report.models, "model"),
        plural(report.points, "metric point"),
    ]
    verb = "Would free" if dry_run else "Freed"
    click.echo(f"{verb} {', '.join(things)};")
    click.echo(
        f"  {plural(report.artifact_files, 'file')} with {size(report.artifact_bytes)}, "
        f"{size(report.database_bytes)} of the database."
    )
