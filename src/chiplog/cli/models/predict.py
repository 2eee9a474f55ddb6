"""``chiplog models predict``."""

from __future__ import annotations

import sys

import click

from chiplog.cli.models.options import (
    env_manager_option,
    install_mlflow_option,
    model_uri_option,
    no_conda_option,
    trust_options,
)


@click.command("predict")
@model_uri_option()
@click.option(
    "--input-path",
    "-i",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="What to ask.  [default: standard input]",
)
@click.option(
    "--output-path",
    "-o",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Where to write the answer.  [default: standard output]",
)
@click.option(
    "--content-type",
    "-t",
    type=click.Choice(("json", "csv")),
    default="json",
    show_default=True,
    help="What the input is: a request as JSON, or a table as CSV.",
)
@env_manager_option()
@install_mlflow_option
@click.option(
    "--pip-requirements-override",
    "-r",
    metavar="LINES",
    help="Requirements that win over the model's; commas between.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="An environment variable for the model. May be given more than once.",
)
@trust_options
@no_conda_option
def command(
    model_uri: str,
    input_path: str | None,
    output_path: str | None,
    content_type: str,
    env_manager: str,
    install_mlflow: bool,
    pip_requirements_override: str | None,
    variables: tuple[str, ...],
    allow_pickle: bool,
    trusted_types: tuple[str, ...],
    no_conda: bool,
) -> None:
    """Ask a saved model, and print its answer as JSON.

    The model runs in an environment with what it was saved with, which is made the first time.

    \b
        echo '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}' | chiplog models predict -m DIR
        chiplog models predict -m DIR -t csv -i new.csv --env-manager local
    """  # noqa: D301 - click reads the backspaces
    if input_path is None and sys.stdin.isatty():
        raise click.UsageError("Say what to ask: --input-path FILE, or a request on stdin.")
    from chiplog.core.errors import UntrustedModel
    from chiplog.core.models.prediction import predict

    override = (pip_requirements_override or "").split(",")
    try:
        predict(
            model_uri,
            input_data=sys.stdin.buffer.read() if input_path is None else None,
            input_path=input_path,
            content_type=content_type,
            output_path=output_path,
            env_manager="local" if no_conda else env_manager,
            install_mlflow=install_mlflow,
            pip_requirements_override=[line.strip() for line in override if line.strip()] or None,
            extra_envs=dict(map(_pair, variables)),
            allow_pickle=allow_pickle or None,
            trusted_types=trusted_types,
        )
    except UntrustedModel as error:
        raise UntrustedModel(
            f"{error}\nOn this command line that is --allow-pickle, or --trusted-type NAME.",
            error.names,
        ) from error


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE.", param_hint="'--env'")
    return name, value
