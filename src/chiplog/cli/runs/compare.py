"""``chiplog runs compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chiplog.cli.options import RUN_HELP, json_option

if TYPE_CHECKING:
    from chiplog.core.entities import Run


@click.command("compare", epilog=RUN_HELP)
@click.argument("runs", metavar="RUN RUN [RUN]...", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="Parameters that do not differ, too.")
@json_option
def command(runs: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Compare runs side by side: metrics, the parameters that differ, curves on one scale.

    With two runs, metrics have a column of differences: the second minus the first.
    """
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project

    if len(runs) < 2:
        raise click.UsageError(
            "Name two runs or more, such as: chiplog runs compare latest 1a2b3c4d"
        )
    store = open_project()
    found = [find_run(store, text) for text in runs]
    if as_json:
        from chiplog.cli.terminal import echo_json

        echo_json(comparison(found))
        return
    from chiplog.cli.runs.comparison import Comparison

    Comparison(store, found, everything=everything).show()


def comparison(runs: list[Run]) -> dict[str, Any]:
    """The runs and what differs between them, as ``--json`` prints it."""
    from chiplog.cli.runs.view import document

    def differing(values: list[dict[str, Any]]) -> dict[str, list[Any]]:
        keys = sorted({key for held in values for key in held})
        rows = {key: [held.get(key) for held in values] for key in keys}
        return {key: row for key, row in rows.items() if any(item != row[0] for item in row)}

    return {
        "runs": [document(run) for run in runs],
        "metrics": {
            key: [run.data.metrics.get(key) for run in runs]
            for key in sorted({key for run in runs for key in run.data.metrics})
        },
        "differing_params": differing([run.data.params for run in runs]),
    }
