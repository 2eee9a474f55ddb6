"""Searching stores of 10,000 and of a million runs."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample

QUERIES: dict[str, dict[str, str]] = {
    "first page": {},
    "filter on a metric and a param": {
        "filter_string": "metrics.accuracy > 0.9 and params.depth = '7'"
    },
    "order by a metric": {"order_by": "metrics.accuracy DESC"},
}


def measure(bench: Bench) -> list[Report]:
    runs = bench.of(10_000, 2_000)
    contenders = bench.present(
        Contender("chiplog"),
        Contender("mlflow"),
        Contender("mlflow", "after ANALYZE", {"analyze": True}),
    )
    reports = _reports(bench, contenders, runs, "≤ 10 ms", rounds=bench.of(5, 2))
    if not bench.quick:
        million = [Contender("chiplog")]
        reports += _reports(bench, million, 1_000_000, "≤ 50 ms", rounds=5)
    return reports


def _reports(
    bench: Bench, contenders: list[Contender], runs: int, goal: str, rounds: int
) -> list[Report]:
    with bench.workers(contenders) as workers:
        for contender in contenders:
            bench.console.print(f"[dim]filling {contender.name} with {runs:,} runs …")
            workers[contender.name].patience = 1800.0
            workers[contender.name].call("fill", runs=runs, **contender.options)
        reports = []
        for title, arguments in QUERIES.items():

            def once(contender: Contender, arguments: dict[str, str] = arguments) -> dict[str, Any]:
                found: dict[str, Any] = workers[contender.name].call("query", **arguments)
                return found

            first = {c.name: once(c)["seconds"] for c in contenders}
            results, failed = bench.take_turns(
                contenders,
                once,
                rounds,
                f"{title}, {runs:,} runs",
            )
            reports.append(
                Report(
                    f"Search {runs:,} runs: {title}",
                    "s",
                    goal,
                    _entries(results, first),
                    ["Pages of 100 runs with metrics, params and tags, through the client."],
                    failed,
                )
            )
    return reports


def _entries(results: dict[str, list[dict[str, Any]]], first: dict[str, float]) -> list[Entry]:
    expected = results["chiplog"][0]["names"]
    return [
        Entry(
            name,
            Sample(tuple(found["seconds"] for found in values)),
            {
                "first": quantity(first[name], "s"),
                "runs found": str(len(values[-1]["names"])),
                "same answer": "yes" if values[-1]["names"] == expected else "NO",
            },
        )
        for name, values in results.items()
    ]


FIGURE = Figure("search", measure)
