"""What one ``log_metric`` costs the training thread, call by call."""

from __future__ import annotations

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample

GOAL = "≤ 2 µs median, ≤ 20 µs p99, durable against SIGKILL (see `kills`)"
_CALLS = {
    "chiplog": (100_000, 20_000),
    "mlflow": (200, 50),
    "mlflow (async)": (5_000, 1_000),
    "trackio": (20_000, 5_000),
    "tensorboardx": (20_000, 5_000),
    "aim": (5_000, 1_000),
}
NOTES = [
    "p99 and p99.9 are medians over the rounds, max is the worst of all calls.",
    "Each call is timed by itself, which adds some 0.05 µs to every tool.",
]


def measure(bench: Bench) -> list[Report]:
    contenders = bench.present(
        Contender("chiplog"),
        Contender("trackio"),
        Contender("tensorboardx"),
        Contender("aim"),
        Contender("mlflow"),
        Contender("mlflow", "async", {"asynchronous": True}),
    )
    steps = {name: (min(full, 1_000), min(quick, 300)) for name, (full, quick) in _CALLS.items()}
    with bench.workers(contenders) as workers:
        for contender in contenders:
            workers[contender.name].call("begin", **contender.options)

        def report(title: str, calls: dict[str, tuple[int, int]], between: float) -> Report:
            def once(contender: Contender) -> dict[str, float]:
                worker, count = workers[contender.name], bench.of(*calls[contender.name])
                result: dict[str, float] = worker.call("log_metric", count=count, between=between)
                worker.call("drain")  # off the clock: no queue runs on in another's turn
                return result

            results, failed = bench.take_turns(contenders, once, bench.of(7, 3), title)
            entries = [
                _entry(name, found, bench.of(*calls[name])) for name, found in results.items()
            ]
            return Report(title, "s", GOAL, entries, NOTES, failed)

        return [
            report("log_metric, one call after another", _CALLS, 0.0),
            report("log_metric, one call after each 1 ms of work", steps, 0.001),
        ]


def _entry(name: str, rounds: list[dict[str, float]], calls: int) -> Entry:
    def middle(quantile: str) -> str:
        return quantity(Sample(tuple(found[quantile] for found in rounds)).median, "s")

    return Entry(
        name,
        Sample(tuple(found["median"] for found in rounds)),
        {
            "mean": middle("mean"),
            "p99": middle("p99"),
            "p99.9": middle("p999"),
            "max": quantity(max(found["max"] for found in rounds), "s"),
            "calls": f"{len(rounds)} x {calls}",
        },
    )


FIGURE = Figure("log_metric", measure)
