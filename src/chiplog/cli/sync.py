"""``chiplog sync``: deliver journals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chiplog.cli.options import json_option

if TYPE_CHECKING:
    from chiplog.core.journal import SyncReport


@click.command("sync")
@click.argument(
    "directory",
    metavar="[DIR]",
    required=False,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option(
    "--store", metavar="URI", help="Where to.  [default: the store that each journal names]"
)
@click.option(
    "--final",
    is_flag=True,
    help="Their processes have ended: finish journals that were copied from other machines.",
)
@click.option("--recursive", "-r", is_flag=True, help="Look in every folder below DIR, too.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    directory: Path | None,
    store: str | None,
    *,
    final: bool,
    recursive: bool,
    as_json: bool,
) -> None:
    """Deliver what lies in journals to the store.

    Journals are left behind by processes that died or could not reach their store. DIR is a folder
    of journals, such as one that was copied from a cluster's node; the project's own unless given.
    Delivering twice is harmless. The exit status is 1 if something could not be delivered.
    """
    from chiplog.cli.terminal import echo_json, progress
    from chiplog.core.journal import sync_directory
    from chiplog.core.location import normalise

    folder, uri = directory or _own_folder(), None if store is None else normalise(store)
    with progress("Delivering journals"):
        report = sync_directory(folder, uri, final=final, recursive=recursive)
    if as_json:
        echo_json({"directory": str(folder), **vars(report)})
    else:
        _show(folder, report)
    if report.problems:
        ctx.exit(1)


def _own_folder() -> Path:
    """Where the project's journals lie."""
    from chiplog.cli.project import check_exists, database_path
    from chiplog.core.location import folder_of, journal_directory, resolve_tracking_uri

    location = resolve_tracking_uri()
    check_exists(location)
    path = database_path(location.value)
    folder = journal_directory() if path is None else folder_of(path) / "journals"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _show(folder: Path, report: SyncReport) -> None:
    from rich.text import Text

    from chiplog.cli.render.numbers import plural, size
    from chiplog.cli.terminal import terminal

    out = terminal()
    if not report.journals and not report.problems:
        out.print(f"There is nothing to deliver in {str(folder)!r}.")
    elif report.journals:
        out.print(
            f"Delivered {plural(report.journals, 'journal')} ({size(report.bytes)}): "
            f"{plural(report.points, 'metric point')}, {plural(report.records, 'other record')}."
        )
    if report.runs:
        out.print(f"Runs whose process had died, now KILLED: {len(report.runs)}")
        out.print(*(Text(f"  {run_id}", style="yellow") for run_id in report.runs))
    for problem in report.problems:
        out.wrapped(Text("  ").append_text(out.mark(False)).append(f" {problem}"), 4)
