"""``chiplog db upgrade``."""

from __future__ import annotations

import click


@click.command("upgrade")
@click.argument("url", required=False)
def command(url: str | None) -> None:
    """Bring a database to this version's schema. URL is the project's unless given.

    Opening a database does so anyway; this does nothing else, for deployments that want it apart.
    """
    from chiplog.cli.project import check_exists
    from chiplog.core.location import Location, normalise, resolve_tracking_uri
    from chiplog.core.stores import open_tracking_store

    location = resolve_tracking_uri() if url is None else Location(normalise(url), "given")
    check_exists(location)
    store = open_tracking_store(location.value)
    click.echo(f"{store.uri} is at this version's schema.")
