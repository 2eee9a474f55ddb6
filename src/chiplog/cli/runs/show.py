"""``chiplog runs show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chiplog.cli.options import RUN_HELP, json_option

if TYPE_CHECKING:
    from chiplog.core.entities import Run
    from chiplog.core.stores import TrackingStore


@click.command("show", epilog=RUN_HELP)
@click.argument("run", metavar="[RUN]", default="latest")
@click.option("--metric", "-m", "metrics", multiple=True, help="Draw this metric; may be repeated.")
@click.option(
    "--height", type=click.IntRange(1, 40), default=4, show_default=True, help="Of a curve, lines."
)
@click.option("--all", "everything", is_flag=True, help="All parameters, tags, curves and files.")
@json_option
def command(
    run: str, metrics: tuple[str, ...], height: int, everything: bool, as_json: bool
) -> None:
    """Show one run in full: metrics with their curves, parameters, data, models and files.

    The latest one unless another is named.
    """
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project

    store = open_project()
    found = find_run(store, run)
    if as_json:
        from chiplog.cli.terminal import echo_json

        echo_json(whole_document(store, found))
        return
    from chiplog.cli.runs.page import Page

    Page(store, found, everything=everything, height=height).show(metrics)


def whole_document(store: TrackingStore, run: Run) -> dict[str, Any]:
    """A run with everything that is known of it, as ``runs show --json`` prints it."""
    from chiplog.cli.runs.files import walk
    from chiplog.cli.runs.view import document

    run_id = run.info.run_id
    whole = document(run)
    whole["metric_summaries"] = store.get_metric_summaries(run_id)
    whole["receipt"] = _json_document(store, run_id, "receipt")
    whole["failure"] = _json_document(store, run_id, "failure")
    whole["files"] = [file for file in walk(run) if not file.is_dir]
    return whole


def _json_document(store: TrackingStore, run_id: str, name: str) -> Any:
    import json

    body = store.get_document(run_id, name)
    return None if body is None else json.loads(body)
