"""What autologging adds to a small scikit-learn fit and to grid searches."""

from __future__ import annotations

from benchmarks.bench import Bench, Figure
from benchmarks.contest import Contender, Contest
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample


def measure_fit(bench: Bench) -> list[Report]:
    contenders = (
        Contender("plain"),
        Contender("chiplog"),
        Contender("chiplog", "without model", {"models": False}),
        Contender("mlflow"),
        Contender("mlflow", "without model", {"models": False}),
    )
    with bench.contest(*contenders) as contest:
        first = contest.once(lambda c: _first_fit(contest, c), "first fit")
        results = contest.rounds(lambda c: contest.seconds(c, "fit"), bench.of(7, 2), "fit")
        contents = contest.once(lambda c: str(contest.call(c, "contents")), "contents")
    entries = [
        Entry(
            name,
            Sample.of(values),
            {
                "first in the process": quantity(first[name], "s"),
                "last run recorded": contents.get(name, "?"),
            },
        )
        for name, values in results.items()
    ]
    notes = [
        (
            "LogisticRegression on iris, `autolog()` on its defaults: params, metrics, plots, data "
            "set, signature and (unless said) the model; the run is over when fit returns."
        ),
        "The first fit also makes the store and imports the plotting library.",
    ]
    return [Report("autolog: a small fit", "s", "≤ 50 ms", entries, notes, contest.failed)]


def _first_fit(contest: Contest, contender: Contender) -> float:
    contest.call(contender, "autolog", **contender.options)
    return contest.seconds(contender, "fit")


def measure_grid(bench: Bench) -> list[Report]:
    reports = [_grid(bench, 50, "≤ 100 ms over no logging", bench.of(5, 1))]
    if not bench.quick:
        reports.append(_grid(bench, 500, "≤ 1 s over no logging", 3))
    return reports


def _grid(bench: Bench, candidates: int, goal: str, rounds: int) -> Report:
    contenders = [Contender("plain"), Contender("chiplog"), Contender("mlflow")]
    if candidates < 100 and not bench.quick:
        contenders.append(Contender("mlflow", "all children", {"children": None}))
    with bench.contest(*contenders) as contest:
        contest.once(lambda c: _first_fit(contest, c), "first fit")
        before = contest.once(lambda c: contest.call(c, "recorded"), "count")
        results = contest.rounds(
            lambda c: contest.seconds(c, "grid", candidates=candidates),
            rounds,
            f"grid of {candidates}",
        )
        after = contest.once(lambda c: contest.call(c, "recorded"), "count")
    plain = Sample.of(results.pop("plain"))
    entries = [
        Entry(
            name,
            Sample.of(seconds - plain.median for seconds in values),
            {
                "whole call": quantity(Sample.of(values).median, "s"),
                "candidates recorded": f"{(after[name] - before[name]) / rounds - 1:.0f}",
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
    return Report(title, "s", goal, entries, notes, contest.failed)


FIT = Figure("fit", measure_fit)
GRID = Figure("grid", measure_grid)
