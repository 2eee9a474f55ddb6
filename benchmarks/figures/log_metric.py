"""What one ``log_metric`` costs the training thread, call by call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.bench import Bench, Figure
from benchmarks.contest import Contender, Contest
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

GOAL = "≤ 2 µs median, ≤ 20 µs p99, durable against SIGKILL (see `survival`)"
NOTES = [
    "p99 and p99.9 are medians over the rounds, max is the worst of all calls.",
    "plain is a call that does nothing: what timing single calls costs everybody.",
]
_CALLS = {
    "chiplog": (100_000, 20_000),
    "trackio": (20_000, 5_000),
    "tensorboardx": (20_000, 5_000),
    "plain": (100_000, 20_000),
    "aim": (5_000, 1_000),
    "mlflow": (200, 30),
    "mlflow (async)": (2_000, 200),
}


def measure(bench: Bench) -> list[Report]:
    calls = {name: bench.of(*sizes) for name, sizes in _CALLS.items()}
    steps = {name: min(count, bench.of(1_000, 200)) for name, count in calls.items()}
    asynchronous = Contender("mlflow", "async", {"asynchronous": True})
    tools = ("plain", "chiplog", "trackio", "tensorboardx", "aim", "mlflow", asynchronous)
    with bench.contest(*tools) as contest:
        contest.once(lambda c: contest.call(c, "begin", **c.options), "begin")
        rounds = bench.of(7, 2)
        return [
            _report(contest, "log_metric, one call after another", calls, 0.0, rounds),
            _report(contest, "log_metric, after each 1 ms of work", steps, 0.001, rounds),
        ]


def _report(
    contest: Contest, title: str, calls: Mapping[str, int], between: float, rounds: int
) -> Report:
    def once(contender: Contender) -> Any:
        count = calls[contender.name]
        result = contest.call(contender, "log_metric", count=count, between=between)
        contest.call(contender, "drain")  # off the clock: no queue runs on in another's turn
        return result

    results = contest.rounds(once, rounds, title)
    entries = [_entry(name, found, calls[name]) for name, found in results.items()]
    return Report(title, "s", GOAL, entries, NOTES, contest.failed)


def _entry(name: str, rounds: list[dict[str, float]], calls: int) -> Entry:
    def middle(quantile: str) -> str:
        return quantity(Sample.of(found[quantile] for found in rounds).median, "s")

    return Entry(
        name,
        Sample.of(found["median"] for found in rounds),
        {
            "mean": middle("mean"),
            "p99": middle("p99"),
            "p99.9": middle("p999"),
            "max": quantity(max(found["max"] for found in rounds), "s"),
            "calls": f"{len(rounds)} x {calls}",
        },
    )


FIGURE = Figure("log_metric", measure)
