"""``chiplog artifacts log-artifacts``."""

from __future__ import annotations

import click


@click.command("log-artifacts")
@click.option(
    "--local-dir",
    "-l",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="The folder whose contents to store.",
)
@click.option("--run-id", "-r", required=True, metavar="RUN", help="The run to store them with.")
@click.option("--artifact-path", "-a", metavar="PATH", help="The folder to store them in.")
def command(local_dir: str, run_id: str, artifact_path: str | None) -> None:
    """Store the contents of a local folder among a run's files."""
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project
    from chiplog.core.client import ChiplogClient

    store = open_project()
    found = find_run(store, run_id).info.run_id
    ChiplogClient(store.uri).log_artifacts(found, local_dir, artifact_path)
    click.echo(
        f"Logged artifacts from local dir {local_dir} to artifact_path={artifact_path or '.'}"
    )
