"""The project's store, for commands; reading never makes a project where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chiplog.core.errors import NotFound
from chiplog.core.location import FOLDER, Location, resolve_tracking_uri

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore


def open_project() -> TrackingStore:
    """The store that holds the project's runs, what dead processes left in journals delivered.

    Raises NotFound, and makes nothing, where there is no project.
    """
    location = resolve_tracking_uri()
    check_exists(location)
    return open_to_read(location.value)


def open_or_create_project() -> TrackingStore:
    """The same, for commands that may begin a project."""
    return open_to_read(resolve_tracking_uri().value)


def open_to_read(uri: str) -> TrackingStore:
    """The store that ``uri`` names, what dead processes left in journals delivered."""
    from chiplog.cli.render.numbers import plural
    from chiplog.core.journal import begin_recovery
    from chiplog.core.runs.reading import end_timeout
    from chiplog.core.stores import open_tracking_store

    store = open_tracking_store(uri, deliver=False)
    recovery = begin_recovery(store)
    recovery.wait(end_timeout())
    report = recovery.report
    if report.runs:
        is_one = len(report.runs) == 1
        click.echo(
            f"{plural(len(report.runs), 'run')} had died with "
            f"{'its process and is' if is_one else 'their processes and are'} KILLED now: "
            + ", ".join(run_id[:8] for run_id in report.runs[:5])
            + (" ..." if len(report.runs) > 5 else ""),
            err=True,
        )
    return store


def database_path(uri: str) -> Path | None:
    """The file of a SQLite URI, None for other stores."""
    if not uri.startswith("sqlite:///"):
        return None
    return Path(uri.removeprefix("sqlite:///").partition("?")[0])


def check_exists(location: Location) -> None:
    """Raise NotFound if the tracking URI names a database that is not there yet."""
    path = database_path(location.value)
    if path is None or path.exists() or (path.parent.name == FOLDER and path.parent.is_dir()):
        return
    if path.parent.name == FOLDER and "environment" not in location.reason:
        raise NotFound(
            f"There is no chiplog project here: no {FOLDER}/ in {str(path.parent.parent)!r} "
            "or any folder above it.\n"
            "To begin one, run a script that calls chiplog.autolog(), or try: chiplog demo\n"
            "To look into another one: cd there, or chiplog --tracking-uri PATH ..."
        )
    raise NotFound(
        f"There is no database at {str(path)!r} ({location.reason}).\n"
        "It is made when the first run is recorded. To see what is resolved and why: chiplog where"
    )
