"""``chiplog explain``: a run's receipt."""

from __future__ import annotations

import click

from chiplog.cli.options import RUN_HELP, json_option


@click.command("explain", epilog=RUN_HELP)
@click.argument("run", metavar="[RUN]", default="latest")
@json_option
def command(run: str, as_json: bool) -> None:
    """Say what autologging did in a run, and what it cost.

    That is the run's receipt: what was watched, what was captured, left out or recorded in part
    and why, and the time it took. The latest run's unless another is named.
    """
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project
    from chiplog.cli.receipts import read_receipt, show_receipt
    from chiplog.cli.terminal import echo_json, terminal

    store = open_project()
    found = find_run(store, run)
    sessions = read_receipt(store, found.info.run_id)
    if as_json:
        echo_json({"run_id": found.info.run_id, "sessions": sessions})
    else:
        show_receipt(terminal(), found, sessions)
