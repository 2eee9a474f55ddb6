"""``chiplog artifacts log-artifact``."""

from __future__ import annotations

import click


@click.command("log-artifact")
@click.option(
    "--local-file", "-l", required=True, type=click.Path(exists=True), help="The file to store."
)
@click.option("--run-id", "-r", required=True, metavar="RUN", help="The run to store it with.")
@click.option("--artifact-path", "-a", metavar="PATH", help="The folder to store it in.")
def command(local_file: str, run_id: str, artifact_path: str | None) -> None:
    """Store a local file among a run's files."""
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project
    from chiplog.core.client import ChiplogClient

    store = open_project()
    found = find_run(store, run_id).info.run_id
    ChiplogClient(store.uri).log_artifact(found, local_file, artifact_path)
    click.echo(
        f"Logged artifact from local file {local_file} to artifact_path={artifact_path or '.'}"
    )
