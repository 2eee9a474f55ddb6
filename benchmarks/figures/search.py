"""Searching stores of 10,000 and of a million runs."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench, Figure
from benchmarks.contest import Contender, Contest
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample

QUERIES = {
    "first page": {"filter_string": ""},
    "filter on a metric and a param": {
        "filter_string": "metrics.accuracy > 0.9 and params.depth = '7'"
    },
    "order by a metric": {"order_by": "metrics.accuracy DESC"},
}


def measure(bench: Bench) -> list[Report]:
    analyzed = Contender("mlflow", "after ANALYZE", {"analyze": True})
    with bench.contest("chiplog", "mlflow", analyzed) as contest:
        reports = _reports(contest, bench.of(10_000, 2_000), "≤ 10 ms", bench.of(5, 2))
    if not bench.quick:
        with bench.contest("chiplog") as alone:
            reports += _reports(alone, 1_000_000, "≤ 50 ms", 5)
    return reports


def _reports(contest: Contest, runs: int, goal: str, rounds: int) -> list[Report]:
    contest.once(
        lambda c: contest.call(c, "fill", runs=runs, **c.options), f"filling {runs:,} runs"
    )
    return [
        _report(contest, f"Search {runs:,} runs: {title}", arguments, goal, rounds)
        for title, arguments in QUERIES.items()
    ]


def _report(
    contest: Contest, title: str, arguments: dict[str, str], goal: str, rounds: int
) -> Report:
    def once(contender: Contender) -> Any:
        return contest.call(contender, "query", **arguments)

    first = contest.once(once, title)
    results = contest.rounds(once, rounds, title)
    expected = next(iter(first.values()))["names"] if first else []
    entries = [
        Entry(
            name,
            Sample.of(found["seconds"] for found in values),
            {
                "first": quantity(first[name]["seconds"], "s"),
                "runs found": str(len(first[name]["names"])),
                "same answer": "yes" if first[name]["names"] == expected else "NO",
            },
        )
        for name, values in results.items()
    ]
    notes = ["Pages of 100 runs with their metrics, params and tags, through the client."]
    return Report(title, "s", goal, entries, notes, contest.failed)


FIGURE = Figure("search", measure)
