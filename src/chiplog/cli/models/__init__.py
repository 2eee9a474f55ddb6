"""``chiplog models``: one file a command."""

from __future__ import annotations

import click

from chiplog.core.cli import LazyGroup

NAMES = ("build-docker", "generate-dockerfile", "predict", "prepare-env", "update-pip-requirements")


@click.group(
    "models",
    cls=LazyGroup,
    lazy={n: f"chiplog.cli.models.{n.replace('-', '_')}:command" for n in NAMES},
)
def command() -> None:
    """Ask saved models, and make environments and images for them."""
