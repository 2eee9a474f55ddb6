"""``chiplog models build-docker``."""

from __future__ import annotations

import click

from chiplog.cli.models.options import image_options


@click.command("build-docker")
@click.option(
    "--name",
    "-n",
    default="mlflow-pyfunc-servable",
    show_default=True,
    help="The image's name.",
)
@image_options
def command(
    name: str,
    model_uri: str | None,
    env_manager: str | None,
    mlflow_home: str | None,
    install_java: bool | None,
    install_mlflow: bool,
    base_image: str | None,
) -> None:
    """Build a model's image with Docker.

    It serves the model on port 8080: docker run -p 5001:8080 NAME. Without a model, one is mounted
    at /opt/ml/model when it runs.
    """
    from chiplog.core.models.docker import build_docker

    build_docker(
        model_uri,
        name,
        env_manager or "virtualenv",
        mlflow_home,
        bool(install_java),
        install_mlflow,
        base_image,
    )
    click.echo(f"Built {name}. To run it: docker run -p 5001:8080 {name}")
