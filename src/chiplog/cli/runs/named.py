"""Naming runs: as arguments, or as MLflow's ``--run-id``."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_HELP = "The run, as MLflow's command line has it: the same as naming it without the option."


def one_run(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its ``run``: an argument or ``--run-id``, exactly one of them."""

    @click.argument("argument", metavar="RUN", required=False)
    @click.option("--run-id", "-r", help=_HELP)
    @wraps(function)
    def given(argument: str | None, run_id: str | None, **others: Any) -> None:
        if (argument is None) == (run_id is None):
            raise click.UsageError(
                "Name one run: its id, the beginning of it, its name or 'latest'."
            )
        function(run=argument or run_id, **others)

    return given


def several_runs(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its ``runs``: arguments and ``--run-id``, at least one."""

    @click.argument("arguments", metavar="[RUN]...", nargs=-1)
    @click.option("--run-id", "-r", "run_ids", multiple=True, help=_HELP)
    @wraps(function)
    def given(arguments: tuple[str, ...], run_ids: tuple[str, ...], **others: Any) -> None:
        if not arguments and not run_ids:
            raise click.UsageError("Name a run: its id, the beginning of it, its name or 'latest'.")
        function(runs=(*arguments, *run_ids), **others)

    return given
