"""What autologging adds to a small scikit-learn fit and to grid searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample

if TYPE_CHECKING:
    from benchmarks.worker import Worker


def measure_fit(bench: Bench) -> list[Report]:
    contenders = bench.present(
        Contender("plain"),
        Contender("chiplog"),
        Contender("chiplog", "without model", {"models": False}),
        Contender("mlflow"),
        Contender("mlflow", "without model", {"models": False}),
    )
    with bench.workers(contenders) as workers:
        first = {c.name: _started(workers[c.name], c) for c in contenders}
        rounds = bench.of(7, 3)
        results, failed = bench.take_turns(
            contenders,
            lambda c: float(workers[c.name].call("fit")),
            rounds,
            "fit",
        )
    entries = [
        Entry(name, Sample(tuple(values)), {"first in the process": quantity(first[name], "s")})
        for name, values in results.items()
    ]
    notes = [
        (
            "LogisticRegression on iris, `autolog()` on its defaults: params, metrics, plots, "
            "data set, signature and (unless said) the model; the run is over when fit returns."
        ),
        "The first fit also makes the store and imports the plotting library.",
    ]
    return [Report("autolog: a small fit", "s", "≤ 50 ms", entries, notes, failed)]


def _started(worker: Worker, contender: Contender) -> float:
    worker.call("autolog", **contender.options)
    seconds: float = worker.call("fit")
    return seconds


def measure_grid(bench: Bench) -> list[Report]:
    reports = [_grid(bench, 50, "≤ 100 ms over no logging")]
    if not bench.quick:
        reports.append(_grid(bench, 500, "≤ 1 s over no logging"))
    return reports


def _grid(bench: Bench, candidates: int, goal: str) -> Report:
    contenders = bench.present(Contender("plain"), Contender("chiplog"), Contender("mlflow"))
    if not bench.quick and candidates < 100:
        contenders += bench.present(Contender("mlflow", "all children", {"children": None}))
    with bench.workers(contenders) as workers:
        for contender in contenders:
            _started(workers[contender.name], contender)
        before = {c.name: _recorded(workers[c.name], c) for c in contenders}
        rounds = bench.of(5 if candidates < 100 else 3, 2)
        results, failed = bench.take_turns(
            contenders,
            lambda c: float(workers[c.name].call("grid", candidates=candidates)),
            rounds,
            f"grid of {candidates}",
        )
        children = {
            c.name: (_recorded(workers[c.name], c) - before[c.name]) // rounds - 1
            for c in contenders
            if c.tool != "plain" and c.name in results
        }
    plain = Sample(tuple(results.pop("plain")))
    entries = [
        Entry(
            name,
            Sample(tuple(seconds - plain.median for seconds in values)),
            {
                "whole call": quantity(Sample(tuple(values)).median, "s"),
                "candidates recorded": str(children[name]),
            },
        )
        for name, values in results.items()
    ]
    notes = [
        (
            f"Time over the same search without logging, which took {quantity(plain.median, 's')} "
            f"(± {plain.spread:.1%}): a decision tree on iris, 5 folds, one process."
        ),
        "The process has fitted once before: imports and tables are paid.",
    ]
    title = f"autolog: a grid search of {candidates} candidates"
    return Report(title, "s", goal, entries, notes, failed)


def _recorded(worker: Worker, contender: Contender) -> int:
    return 0 if contender.tool == "plain" else int(worker.call("recorded"))


FIT = Figure("fit", measure_fit)
GRID = Figure("grid", measure_grid)
