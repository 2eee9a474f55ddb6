"""``chiplog artifacts list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chiplog.cli.options import json_option
from chiplog.cli.runs.named import one_run

if TYPE_CHECKING:
    from chiplog.core.entities import FileInfo


@click.command("list")
@one_run
@click.option("--artifact-path", "-a", metavar="PATH", help="Only what lies in this folder.")
@click.option("--recursive", "-R", is_flag=True, help="What lies in folders too.")
@json_option
def command(run: str, artifact_path: str | None, recursive: bool, as_json: bool) -> None:
    """List the files of a run: a table on a terminal, JSON otherwise."""
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project
    from chiplog.cli.runs.files import artifacts_of, walk
    from chiplog.cli.terminal import echo_json, terminal

    found = find_run(open_project(), run)
    if recursive:
        files = list(walk(found, artifact_path))
    else:
        files = artifacts_of(found).list(artifact_path)
    if as_json or not terminal().is_tty:
        echo_json(files)
    elif not files:
        click.echo("There are no files" + (f" in {artifact_path!r}." if artifact_path else "."))
    else:
        _show(files)


def _show(files: list[FileInfo]) -> None:
    from chiplog.cli.render.numbers import size
    from chiplog.cli.render.table import Column, Table
    from chiplog.cli.terminal import terminal

    table = Table([Column("SIZE", right=True, style="dim"), Column("PATH", shrink=20)])
    for file in files:
        table.add("" if file.is_dir else size(file.file_size), file.path + "/" * file.is_dir)
    terminal().table(table)
