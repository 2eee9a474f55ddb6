"""Options that the commands on models share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

MANAGERS = ("local", "virtualenv", "uv", "conda")


def model_uri_option(*, required: bool = True) -> Callable[[F], F]:
    """``--model-uri``."""
    return click.option(
        "--model-uri",
        "-m",
        required=required,
        metavar="URI",
        help="The model: models:/m-..., runs:/RUN/NAME, or the path of its directory.",
    )


def env_manager_option(
    default: str | None = "virtualenv",
    what: str = "What makes the model's environment: virtualenv (uv if it is there, else venv and "
    "pip), uv, conda, or local for none.",
) -> Callable[[F], F]:
    """``--env-manager``."""
    return click.option(
        "--env-manager",
        type=click.Choice(MANAGERS),
        metavar="MANAGER",
        default=default,
        show_default=default is not None,
        help=what,
    )


def install_mlflow_option(function: F) -> F:
    """``--install-mlflow``."""
    return click.option(
        "--install-mlflow",
        is_flag=True,
        help="Install the MLflow that the model asks for, too. chiplog needs none.",
    )(function)


def no_conda_option(function: F) -> F:
    """``--no-conda``, the old spelling of ``--env-manager local``."""
    return click.option("--no-conda", is_flag=True, hidden=True)(function)


def trust_options(function: F) -> F:
    """``--allow-pickle`` and ``--trusted-type``."""
    types: Any = click.option(
        "--trusted-type",
        "trusted_types",
        multiple=True,
        metavar="NAME",
        help="A type that the model may hold, by full name. May be given more than once.",
    )
    pickles: Any = click.option(
        "--allow-pickle", is_flag=True, help="Trust the model, and run the code it holds."
    )
    return pickles(types(function))  # type: ignore[no-any-return]  # click keeps the type


def image_options(function: F) -> F:
    """What the commands that make images have in common."""
    for add in (
        click.option(
            "--base-image",
            metavar="IMAGE",
            help="An image with Python.  [default: python:<the model's version>-slim]",
        ),
        install_mlflow_option,
        click.option("--install-java", type=bool, hidden=True),
        click.option("--mlflow-home", hidden=True),
        env_manager_option(default=None, what="local, virtualenv or uv: all the same in an image."),
        model_uri_option(required=False),
    ):
        function = add(function)
    return function
