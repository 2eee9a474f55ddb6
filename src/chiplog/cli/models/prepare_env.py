"""``chiplog models prepare-env``."""

from __future__ import annotations

import click

from chiplog.cli.models.options import env_manager_option, install_mlflow_option, model_uri_option


@click.command("prepare-env")
@model_uri_option()
@env_manager_option()
@install_mlflow_option
def command(model_uri: str, env_manager: str, install_mlflow: bool) -> None:
    """Make a model's environment.

    Prints where its Python lies. It has what the model was saved with, and predict and serve then
    begin at once.
    """
    from chiplog.core.models.isolation import environment_for
    from chiplog.core.models.loading import open_model

    directory = open_model(model_uri).directory
    click.echo(environment_for(directory, env_manager, install_mlflow=install_mlflow))
