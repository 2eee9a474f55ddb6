"""``chiplog demo``: train real models, and look at what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chiplog.cli.terminal import Terminal
    from chiplog.core.entities import Run
    from chiplog.core.stores import TrackingStore

SCRIPT = Path(__file__).with_name("demo_script.py")
EXPERIMENT = "demo"


@click.command("demo")
@click.option("--show-script", is_flag=True, help="Print the script that is run, and run nothing.")
def command(show_script: bool) -> None:
    """Train real models with one line of chiplog.

    Trains four scikit-learn models on the data sets that scikit-learn carries, into this project's
    experiment 'demo', and shows what was recorded. Takes a few seconds.
    """
    if show_script:
        _print_script()
        return
    _check_sklearn()

    from rich.text import Text

    from chiplog.cli.project import open_or_create_project
    from chiplog.cli.terminal import terminal
    from chiplog.core.clock import now_ms

    out = terminal()
    began = now_ms()
    store = open_or_create_project()  # what cannot be written is said before anything is trained
    out.print(Text("Training four models with one line of chiplog, chiplog.autolog():", "bold"), "")
    _run_script()
    runs = _runs_since(store, began)
    _show_table(out, store, runs)
    _show_one(out, store, runs)
    _show_next(out, store)


def _print_script() -> None:
    import sys

    text = SCRIPT.read_text(encoding="utf-8")
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.syntax import Syntax

    from chiplog.cli.terminal import terminal

    terminal().console.print(
        Syntax(text, "python", theme="ansi_dark", background_color="default", word_wrap=True)
    )


def _check_sklearn() -> None:
    from importlib.util import find_spec

    from chiplog.core.errors import MissingLibrary

    if find_spec("sklearn") is None:
        raise MissingLibrary(
            "chiplog demo trains scikit-learn models, and scikit-learn is not installed.\n"
            "    pip install 'chiplog[sklearn]'"
        )


def _run_script() -> None:
    """Run the script as its own program, as a user would."""
    import subprocess
    import sys

    from chiplog.core.errors import ChiplogError

    finished = subprocess.run([sys.executable, str(SCRIPT)], check=False)
    if finished.returncode != 0:
        raise ChiplogError(
            f"The demo's script ended with exit code {finished.returncode}; see above.\n"
            "Is everything in order? chiplog doctor"
        )


def _runs_since(store: TrackingStore, began: int) -> list[Run]:
    from chiplog.cli.lookup import TOP_LEVEL, find_experiment_by_name
    from chiplog.core.entities import ViewType

    experiment = find_experiment_by_name(store, EXPERIMENT)
    text = f"{TOP_LEVEL} AND start_time >= {began}"
    ids = [experiment.experiment_id]
    return list(store.search_runs(ids, text, ViewType.ACTIVE_ONLY, 100, None, None))


def _show_table(out: Terminal, store: TrackingStore, runs: list[Run]) -> None:
    from chiplog.cli.lookup import children_of
    from chiplog.cli.runs.view import run_table

    out.title("What was recorded:  chiplog runs list")
    out.print("")
    table = run_table(
        runs,
        experiments={},
        columns=None,
        children={run.info.run_id: len(children_of(store, run)) for run in runs},
        unicode=out.unicode,
    )
    out.table(table)


def _show_one(out: Terminal, store: TrackingStore, runs: list[Run]) -> None:
    from chiplog.cli.runs.page import Page

    if not runs:
        return
    out.title("One of them in full:  chiplog runs show latest")
    out.print("")
    Page(store, runs[0]).show()


def _show_next(out: Terminal, store: TrackingStore) -> None:
    from chiplog.cli.project import database_path

    path = database_path(store.uri)
    out.title("Where it all lies:  chiplog where")
    out.print(f"  {path.parent if path else store.uri}")
    out.title("What to type next")
    out.fields(
        [
            ("chiplog demo --show-script", "the script that was run"),
            ("chiplog explain latest", "what was captured, what was not, what it cost"),
            ("chiplog runs list --children", "the grid search's candidates, too"),
            ("chiplog runs --help", "search, compare, export"),
        ]
    )
