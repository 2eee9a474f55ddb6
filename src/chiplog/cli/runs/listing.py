"""What ``runs list`` and ``runs search`` have in common: asking for runs and showing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chiplog.cli.options import experiment_options, json_option, view_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chiplog.core.entities import Experiment, Run
    from chiplog.core.stores import TrackingStore

F = TypeVar("F", bound="Callable[..., Any]")

ON_A_TERMINAL = 25
_PAGE = 1000


@dataclass(frozen=True)
class Request:
    """Which runs, in what order, how many, and how to show them."""

    experiment_ids: Sequence[str]
    experiment_names: Sequence[str]
    view: str
    filter_string: str
    order_by: Sequence[str]
    limit: int | None
    columns: Sequence[str]
    as_json: bool
    top_level: bool
    parent: str | None = None


def listing_options(function: F) -> F:
    """The options of both commands."""
    decorators: list[Any] = [
        experiment_options,
        view_option,
        click.option(
            "--order-by",
            "-o",
            multiple=True,
            metavar="KEY [ASC|DESC]",
            help="Such as 'metrics.loss ASC'. May be repeated.  [default: latest start first]",
        ),
        click.option(
            "--limit",
            "-l",
            type=click.IntRange(min=1),
            metavar="N",
            help=f"At most this many.  [default: {ON_A_TERMINAL} on a terminal, else all]",
        ),
        click.option(
            "--columns",
            "-c",
            multiple=True,
            metavar="KEYS",
            help="What to show, such as metrics.loss,params.C.  "
            "[default: common metrics; with --parent, also what was varied]",
        ),
        json_option,
    ]
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def show_runs(request: Request) -> None:
    """Find the runs and print them."""
    from rich.text import Text

    from chiplog.cli.lookup import find_experiments
    from chiplog.cli.project import open_project
    from chiplog.cli.terminal import echo_json, terminal
    from chiplog.core.entities import ViewType

    out = terminal()
    store = open_project()
    # Runs in the bin may be there with their experiment.
    view = ViewType.ACTIVE_ONLY if request.view == "active_only" else ViewType.ALL
    experiments = find_experiments(store, request.experiment_ids, request.experiment_names, view)
    limit = request.limit or (ON_A_TERMINAL if out.is_tty and not request.as_json else None)
    runs, more = _search(store, experiments, request, limit)
    if request.as_json:
        from chiplog.cli.runs.view import document

        echo_json([document(run) for run in runs])
        return
    if not runs:
        _say_none(request, experiments)
        return
    from chiplog.cli.runs.view import as_tree, run_table

    if not request.order_by:
        runs, depths = as_tree(runs)
    else:
        depths = {}
    table = run_table(
        runs,
        depths=depths,
        experiments={e.experiment_id: e.name for e in experiments},
        columns=request.columns or None,
        children=_children(store, experiments, runs),
        whole=not out.is_tty,
        unicode=out.unicode,
        siblings=request.parent is not None,
    )
    left_out = out.table(table)
    if left_out and out.is_tty:
        note = f"Not shown for lack of room: {', '.join(left_out)} (choose with --columns)"
        out.wrapped(Text(note, style="dim"), 0)
    if more and out.is_tty:
        out.note(f"The first {len(runs)} are shown; more with --limit.")


def _search(
    store: TrackingStore, experiments: Sequence[Experiment], request: Request, limit: int | None
) -> tuple[list[Run], bool]:
    """The runs, and whether there are more of them."""
    from chiplog.cli.lookup import TOP_LEVEL, find_run
    from chiplog.core.entities import ViewType
    from chiplog.core.search import RUNS, parse_filter
    from chiplog.core.search.tree import quote
    from chiplog.core.tags import PARENT_RUN_ID

    parse_filter(request.filter_string, RUNS)  # an error's position is one in the user's own text
    ids = [experiment.experiment_id for experiment in experiments]
    text = request.filter_string
    if request.parent is not None:
        parent = find_run(store, request.parent).info.run_id
        condition = f"tags.`{PARENT_RUN_ID}` = {quote(parent)}"
        text = f"{condition} AND ({text})" if text.strip() else condition
    elif request.top_level:
        text = f"{TOP_LEVEL} AND ({text})" if text.strip() else TOP_LEVEL
    view = ViewType.from_string(request.view)
    runs: list[Run] = []
    token: str | None = None
    while ids:
        wanted = _PAGE if limit is None else min(_PAGE, limit - len(runs))
        page = store.search_runs(ids, text, view, wanted, request.order_by or None, token)
        runs += page
        token = page.token
        if token is None or (limit is not None and len(runs) >= limit):
            break
    return runs, token is not None


def _children(
    store: TrackingStore, experiments: Sequence[Experiment], runs: Sequence[Run]
) -> dict[str, int]:
    """How many child runs each of these runs has; as far as the first thousands tell."""
    from chiplog.core.entities import ViewType
    from chiplog.core.search.tree import quote
    from chiplog.core.tags import PARENT_RUN_ID

    ids = [experiment.experiment_id for experiment in experiments]
    found: dict[str, int] = {}
    for start in range(0, len(runs), 100):
        parents = ", ".join(quote(run.info.run_id) for run in runs[start : start + 100])
        text = f"tags.`{PARENT_RUN_ID}` IN ({parents})"
        for child in store.search_runs(ids, text, ViewType.ACTIVE_ONLY, _PAGE, None, None):
            parent = child.data.tags[PARENT_RUN_ID]
            found[parent] = found.get(parent, 0) + 1
    return found


def _say_none(request: Request, experiments: Sequence[Experiment]) -> None:
    where = ", ".join(repr(e.name) for e in experiments[:5]) or "any experiment"
    what = f" that match {request.filter_string!r}" if request.filter_string.strip() else ""
    stage = {"deleted_only": " in the bin", "all": ""}.get(request.view, "")
    click.echo(f"There are no runs{stage} in {where}{what}.")
    if not what and not stage:
        click.echo("To make some: chiplog demo")
