"""``chiplog models generate-dockerfile``."""

from __future__ import annotations

import click

from chiplog.cli.models.options import image_options


@click.command("generate-dockerfile")
@click.option(
    "--output-directory",
    "-d",
    type=click.Path(file_okay=False),
    metavar="DIR",
    default="mlflow-dockerfile",
    show_default=True,
    help="The folder to write; empty, or not there yet.",
)
@image_options
def command(
    output_directory: str,
    model_uri: str | None,
    env_manager: str | None,
    mlflow_home: str | None,
    install_java: bool | None,
    install_mlflow: bool,
    base_image: str | None,
) -> None:
    """Write the Dockerfile of a model's image.

    The folder has all that the image is built from; the image serves on port 8080.
    Without a model, one is mounted at /opt/ml/model when it runs.
    """
    from chiplog.core.models.docker import generate_dockerfile

    folder = generate_dockerfile(
        model_uri,
        output_directory,
        env_manager,
        mlflow_home,
        install_java,
        install_mlflow,
        base_image,
    )
    click.echo(f"Wrote {folder}/. To build the image: docker build -t NAME {folder}")
