"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

VIEWS = ("active_only", "deleted_only", "all")


def json_option(function: F) -> F:
    """``--json``: the answer as one document for machines."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON document, for programs; numbers that JSON lacks are the strings "
        "NaN, Infinity and -Infinity.",
    )(function)


def view_option(function: F) -> F:
    """``--view``: active, deleted or all."""
    return click.option(
        "--view",
        "-v",
        type=click.Choice(VIEWS),
        default="active_only",
        show_default=True,
        help="Which ones: those in use, those in the bin, or all.",
    )(function)


def experiment_options(function: F) -> F:
    """``--experiment-id`` and ``--experiment-name``, each repeatable."""
    by_name: Any = click.option(
        "--experiment-name",
        "-n",
        "experiment_names",
        multiple=True,
        envvar=["CHIPLOG_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_NAME"],
        metavar="NAME",
        help="Only this experiment's runs. May be given more than once.",
    )
    by_id: Any = click.option(
        "--experiment-id",
        "-x",
        "experiment_ids",
        multiple=True,
        envvar=["CHIPLOG_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_ID"],
        metavar="ID",
        help="The same, by id.",
    )
    return by_name(by_id(function))  # type: ignore[no-any-return]  # click keeps the type


RUN_HELP = "RUN is a run's id, the beginning of one, a run's name, or 'latest'."
