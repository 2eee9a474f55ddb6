"""``chiplog artifacts download``."""

from __future__ import annotations

import click


@click.command("download")
@click.argument("run", metavar="[RUN]", required=False)
@click.argument("path", metavar="[PATH]", required=False)
@click.option("--run-id", "-r", metavar="RUN", help="As the argument RUN.")
@click.option("--artifact-path", "-a", metavar="PATH", help="As the argument PATH.")
@click.option("--artifact-uri", "-u", metavar="URI", help="Instead of both: where the files are.")
@click.option(
    "--dst-path",
    "-d",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Where to; made if it is not there.  [default: a new folder]",
)
def command(
    run: str | None,
    path: str | None,
    run_id: str | None,
    artifact_path: str | None,
    artifact_uri: str | None,
    dst_path: str | None,
) -> None:
    """Bring files here and print where they lie: all of a run's, or those at PATH."""
    wanted, inside = run or run_id, path or artifact_path
    if (wanted is None) == (artifact_uri is None):
        raise click.UsageError("Name a run or give --artifact-uri, one of them.")
    from pathlib import Path

    from chiplog.core.artifacts.loading import download_artifacts

    if dst_path is not None:
        Path(dst_path).mkdir(parents=True, exist_ok=True)
    if wanted is None:
        click.echo(download_artifacts(artifact_uri=artifact_uri, dst_path=dst_path))
        return
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project

    store = open_project()
    found = find_run(store, wanted).info.run_id
    click.echo(
        download_artifacts(
            run_id=found, artifact_path=inside or "", dst_path=dst_path, tracking_uri=store.uri
        )
    )
