"""Runs as rows of a table and as documents for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from rich.text import Text

from chiplog.cli.lookup import short_ids
from chiplog.cli.render.numbers import number
from chiplog.cli.render.table import Column, Table
from chiplog.cli.render.text import printable
from chiplog.cli.render.times import absolute, duration, relative
from chiplog.core.clock import now_ms
from chiplog.core.errors import InvalidValue
from chiplog.core.tags import PARENT_RUN_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.entities import Run, RunInfo

STATUS_STYLES = {
    "FINISHED": "green",
    "FAILED": "red",
    "KILLED": "magenta",
    "RUNNING": "blue",
    "SCHEDULED": "blue",
}
ESTIMATOR_TAG = "estimator_name"
MODEL_PARAM = "model_class"
STATUS_MARKS = {"FINISHED": "✓", "FAILED": "✗", "KILLED": "■", "RUNNING": "●", "SCHEDULED": "○"}
ASCII_MARKS = {"FINISHED": "+", "FAILED": "x", "KILLED": "#", "RUNNING": "*", "SCHEDULED": "o"}
MOST_METRICS = 5
MOST_VARIED = 3
_EARLY = ("val", "test", "eval", "cv", "best", "loss", "accuracy", "auc", "r2", "error")


def document(run: Run) -> dict[str, Any]:
    """A run as every ``--json`` gives it: ``info``, ``data``, ``inputs``, ``outputs``."""
    whole: dict[str, Any] = msgspec.to_builtins(run)
    whole["data"].pop("latest_metrics", None)
    return whole


def status_text(info: RunInfo) -> Text:
    """A run's status, coloured; deleted ones say so."""
    text = Text(info.status, style=STATUS_STYLES.get(info.status, ""))
    if info.lifecycle_stage == "deleted":
        text = Text(f"{info.status} (deleted)", style="dim")
    return text


def status_mark(info: RunInfo, *, unicode: bool) -> Text:
    """A run's status in little room: a tick for what is finished, else a mark and a word."""
    marks = STATUS_MARKS if unicode else ASCII_MARKS
    mark = marks.get(info.status, "?")
    word = "" if info.status == "FINISHED" else f" {info.status}"
    return Text(mark + word, style=STATUS_STYLES.get(info.status, ""))


def took(info: RunInfo) -> str:
    """How long a run took, or has taken so far."""
    if info.end_time is None and info.status != "RUNNING":
        return ""
    return duration((info.end_time or now_ms()) - info.start_time)


def run_table(
    runs: Sequence[Run],
    *,
    experiments: Mapping[str, str],
    columns: Sequence[str] | None,
    children: Mapping[str, int],
    whole: bool = False,
    unicode: bool = True,
    depths: Mapping[str, int] | None = None,
    siblings: bool = False,
) -> Table:
    """A table of runs.

    Args:
        runs: a row each.
        experiments: the experiments' names by id; a column of them if there are several.
        columns: what to show of each run, as ``metrics.X``, ``params.X``, ``tags.X``; None chooses
            the metrics that most of the runs have.
        children: how many child runs each run has, by id.
        whole: show ids, times and states in full: nobody is looking, a program is reading.
        unicode: the terminal can show more than ASCII.
        depths: how far each name is indented, by id: child runs below their parents.
        siblings: the runs are children of one: what was varied among them is shown as well.
    """
    if columns is not None:
        chosen = _chosen(columns)
    else:
        chosen = (_differing_params(runs) if siblings else []) + _common_metrics(runs)
    several = len({run.info.experiment_id for run in runs}) > 1
    trained = any(_trained(run) for run in runs)
    table = Table(
        [
            Column("RUN", style="yellow"),
            Column("NAME", shrink=15, style="bold"),
            *([Column("TRAINED", shrink=12, drop=2)] if trained else []),
            *([Column("EXPERIMENT", shrink=8)] if several else []),
            Column("STATUS" if whole else "", drop=0),
            Column("STARTED", style="dim"),
            Column("TOOK", right=True, style="dim", drop=4),
            *(
                _column(kind, key, position, chosen=columns is not None, stack=not whole)
                for position, (kind, key) in enumerate(chosen)
            ),
        ]
    )
    short = short_ids([run.info.run_id for run in runs])
    for run in runs:
        info = run.info
        table.add(
            info.run_id if whole else short[info.run_id],
            _name(run, children, (depths or {}).get(info.run_id, 0)),
            *([_trained(run)] if trained else []),
            *([experiments.get(info.experiment_id, info.experiment_id)] if several else []),
            status_text(info) if whole else status_mark(info, unicode=unicode),
            absolute(info.start_time) if whole else relative(info.start_time),
            took(info),
            *(_cell(run, kind, key) for kind, key in chosen),
        )
    return table


def _trained(run: Run) -> str:
    """The class of what was trained, without its module; empty if the run does not say."""
    name = run.data.tags.get(ESTIMATOR_TAG) or run.data.params.get(MODEL_PARAM, "")
    return name.rpartition(".")[2]


def as_tree(runs: Sequence[Run]) -> tuple[list[Run], dict[str, int]]:
    """The runs with each one's children behind it, and how deep each lies, by id.

    A run whose parent is not among them stays where it is.
    """
    known = {run.info.run_id for run in runs}
    children: dict[str, list[Run]] = {}
    tops = []
    for run in runs:
        parent = run.data.tags.get(PARENT_RUN_ID, "")
        if parent in known and parent != run.info.run_id:
            children.setdefault(parent, []).append(run)
        else:
            tops.append(run)
    ordered: list[Run] = []
    depths: dict[str, int] = {}
    waiting = [(run, 0) for run in reversed(tops)]
    while waiting:
        run, depth = waiting.pop()
        ordered.append(run)
        depths[run.info.run_id] = depth
        below = children.pop(run.info.run_id, [])
        waiting += [(child, depth + 1) for child in reversed(below)]
    ordered += [run for rest in children.values() for run in rest]  # parents in a circle
    return ordered, depths


def _name(run: Run, children: Mapping[str, int], depth: int) -> Text:
    indent = "  " * min(depth, 5)
    name = Text(indent + printable(run.info.run_name or ""), style="bold")
    number_of = children.get(run.info.run_id, 0)
    if number_of:
        name.append(f" +{number_of}", style="not bold dim")
    return name


def _column(kind: str, key: str, position: int, *, chosen: bool, stack: bool) -> Column:
    """A column of values; what nobody chose goes first where there is no room for all."""
    drop = 0 if chosen else 1 + 2 * position
    return Column(printable(key), right=kind == "metrics", shrink=11, drop=drop, stack=stack)


def _cell(run: Run, kind: str, key: str) -> str:
    if kind == "metrics":
        value = run.data.metrics.get(key)
        return "" if value is None else number(value)
    held: Mapping[str, str] = run.data.params if kind == "params" else run.data.tags
    return held.get(key, "")


def _chosen(columns: Sequence[str]) -> list[tuple[str, str]]:
    """Columns as the user named them: ``metrics.loss,params.C``."""
    chosen = []
    for text in ",".join(columns).split(","):
        kind, dot, key = text.strip().partition(".")
        kind = {"metric": "metrics", "param": "params", "tag": "tags"}.get(kind, kind)
        if kind not in {"metrics", "params", "tags"} or not dot or not key:
            raise InvalidValue(
                f"{text.strip()!r} is no column. Write metrics.NAME, params.NAME or tags.NAME, "
                "separated by commas."
            )
        chosen.append((kind, key))
    return chosen


def _differing_params(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """The parameters that the runs do not all have the same value of, those of most values first.

    What was varied has values of its own in nearly every run, or in a few; a text that only one
    run has differs too, and comes last.
    """
    values: dict[str, set[str | None]] = {}
    for key in {key for run in runs for key in run.data.params}:
        found = {run.data.params.get(key) for run in runs}
        if len(found) > 1:
            values[key] = found
    ranked = sorted(values, key=lambda key: (None in values[key], -len(values[key]), key))
    return [("params", key) for key in ranked[:MOST_VARIED]]


def _common_metrics(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """The metrics that most runs have; what was measured on unseen data first."""
    held: dict[str, int] = {}
    for run in runs:
        for key in run.data.metrics:
            held[key] = held.get(key, 0) + 1

    ranked = sorted(held, key=lambda key: (importance(key)[0], -held[key], importance(key)))
    return [("metrics", key) for key in ranked[:MOST_METRICS]]


def importance(key: str) -> tuple[bool, int, str]:
    """How metrics are sorted: what was measured on unseen data first, the machine's load last."""
    early = next((i for i, word in enumerate(_EARLY) if word in key.lower()), len(_EARLY))
    return key.startswith("system/"), early, key
