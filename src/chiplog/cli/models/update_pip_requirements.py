"""``chiplog models update-pip-requirements``."""

from __future__ import annotations

import click

from chiplog.cli.models.options import model_uri_option


@click.command("update-pip-requirements")
@model_uri_option()
@click.argument("operation", type=click.Choice(("add", "remove")))
@click.argument("requirement_strings", nargs=-1, required=True, metavar="REQUIREMENT...")
def command(model_uri: str, operation: str, requirement_strings: tuple[str, ...]) -> None:
    """Change a saved model's requirements.

    They are added to its requirements.txt and conda.yaml, or removed by name. One that is added
    takes the place of one of the same name.

    \b
        chiplog models update-pip-requirements -m DIR add "pandas>=2" torchvision
        chiplog models update-pip-requirements -m DIR remove torchvision
    """  # noqa: D301 - click reads the backspaces
    from chiplog.core.models.upkeep import update_model_requirements

    update_model_requirements(model_uri, operation, list(requirement_strings))
    click.echo(f"Updated the requirements of {model_uri}.")
