"""``chiplog plugins new``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("new")
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to put it.  [default: chiplog-NAME in the working directory]",
)
@click.option(
    "--flavor/--no-flavor",
    "with_flavor",
    default=True,
    show_default=True,
    help="Whether it saves and loads models, too.",
)
def command(name: str, directory: Path | None, with_flavor: bool) -> None:
    """Begin a plugin that records the framework NAME: a whole package, whose tests pass.

    It comes with an example framework of one class; its README tells what to replace.
    """
    from chiplog.cli.plugins.scaffold import plan, write

    planned = plan(name, with_flavor=with_flavor)
    target = directory or Path(planned.distribution)
    paths = write(planned, target)
    click.echo(f"{planned.distribution} is in {target}, {len(paths)} files:")
    for path in paths:
        click.echo(f"    {path.relative_to(target)}")
    click.echo(
        "\nTry it, in a virtual environment that has chiplog:\n\n"
        f"    cd {target}\n"
        "    pip install -e '.[test]'\n"
        f"    chiplog plugins certify {planned.name}\n\n"
        "Then follow its README.md."
    )
