"""``chiplog where``: what was resolved, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chiplog.cli.options import json_option

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.location import Location


_ONLY_HERE = (
    "only on this machine, for experiments that were made without CHIPLOG_DEFAULT_ARTIFACT_ROOT"
)


@click.command("where")
@json_option
def command(as_json: bool) -> None:
    """Print where runs are kept, and why there.

    Opens and makes nothing.
    """
    from chiplog.core.location import resolve_tracking_uri

    location = resolve_tracking_uri()
    facts = _facts(location)
    if as_json:
        from chiplog.cli.terminal import echo_json

        echo_json(facts)
    else:
        _show(facts)


def _facts(location: Location) -> dict[str, Any]:
    from chiplog.cli.project import database_path
    from chiplog.core.config import env_with_source
    from chiplog.core.location import folder_of, journal_directory
    from chiplog.core.masking import mask_uri

    path = database_path(location.value)
    name, name_variable = env_with_source("EXPERIMENT_NAME")
    experiment_id, id_variable = env_with_source("EXPERIMENT_ID")
    journals = folder_of(path) / "journals" if path else journal_directory()
    return {
        "tracking_uri": mask_uri(location.value),
        "reason": location.reason,
        "database": _database(path),
        "artifacts": _artifacts(location.value, path),
        "journals": _journals(journals),
        "experiment": {
            "name": name,
            "id": experiment_id,
            "reason": name_variable or id_variable,
        },
    }


def _artifacts(uri: str, path: Path | None) -> dict[str, Any] | None:
    """Where files lie by default: on this machine, unless a server is asked for them."""
    from pathlib import Path

    from chiplog.core.location import folder_of, project_folder

    if path is not None:
        return _folder(folder_of(path) / "artifacts")
    if uri.startswith(("http://", "https://")):
        return None
    return _folder(Path(project_folder().value) / "artifacts") | {"only_here": True}


def _database(path: Path | None) -> dict[str, Any] | None:
    """The database's file with what belongs to it; None if it is no file."""
    if path is None:
        return None
    parts = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    return {
        "path": str(path),
        "exists": path.exists(),
        "bytes": sum(part.stat().st_size for part in parts if part.exists()),
    }


def _folder(path: Path) -> dict[str, Any]:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else []
    return {
        "path": str(path),
        "exists": path.is_dir(),
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
    }


def _journals(path: Path) -> dict[str, Any]:
    """The journals that have not been delivered and taken away yet."""
    from chiplog.cli.journals import journals_in

    found = journals_in(path)
    return {
        "path": str(path),
        "exists": path.is_dir(),
        "in_use": sum(journal.state == "alive" for journal in found),
        "waiting": sum(journal.state != "alive" for journal in found),
    }


def _show(facts: dict[str, Any]) -> None:
    from rich.text import Text

    from chiplog.cli.render.numbers import plural, size
    from chiplog.cli.terminal import terminal

    out = terminal()
    database, artifacts, journals = facts["database"], facts["artifacts"], facts["journals"]
    pairs: list[tuple[str, str | Text]] = [
        ("tracking URI", Text(facts["tracking_uri"], style="bold")),
        ("because", facts["reason"]),
    ]
    if database is not None:
        state = size(database["bytes"]) if database["exists"] else "not made yet"
        pairs.append(("database", f"{database['path']} ({state})"))
    if artifacts is not None:
        state = f"{plural(artifacts['files'], 'file')}, {size(artifacts['bytes'])}"
        pairs.append(("files", f"{artifacts['path']} ({state})"))
        if artifacts.get("only_here"):
            pairs.append(("", Text(_ONLY_HERE, style="yellow")))
    state = f"{journals['in_use']} in use, {journals['waiting']} waiting for delivery"
    pairs.append(("journals", f"{journals['path']} ({state})"))
    experiment = facts["experiment"]
    if experiment["reason"]:
        named = experiment["name"] or experiment["id"]
        pairs.append(("experiment", f"{named} (environment variable {experiment['reason']})"))
    out.fields(pairs, indent=0)
