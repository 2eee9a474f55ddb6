"""How many points a second one process gets into its store, until all of them can be read."""

from __future__ import annotations

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample

_POINTS = {
    "chiplog": (1_000_000, 200_000),
    "mlflow": (1_000, 200),
    "mlflow (log_batch of 1000)": (50_000, 5_000),
    "trackio": (100_000, 20_000),
    "tensorboardx": (200_000, 50_000),
    "aim": (50_000, 10_000),
}


def measure(bench: Bench) -> list[Report]:
    contenders = bench.present(
        Contender("chiplog"),
        Contender("tensorboardx"),
        Contender("trackio"),
        Contender("aim"),
        Contender("mlflow"),
        Contender("mlflow", "log_batch of 1000", {"batch": 1000}),
    )
    with bench.workers(contenders) as workers:

        def once(contender: Contender) -> float:
            points = bench.of(*_POINTS[contender.name])
            seconds: float = workers[contender.name].call(
                "sustained", count=points, **contender.options
            )
            return points / seconds

        results, failed = bench.take_turns(contenders, once, bench.of(5, 3), "sustained")
    entries = [
        Entry(name, Sample(tuple(values)), {"points": f"{bench.of(*_POINTS[name]):,}"})
        for name, values in results.items()
    ]
    notes = [
        (
            "From the start of a run to the return of its end, one log_metric call a point; "
            "afterwards, outside the clock, every point was read back and counted."
        ),
        "mlflow (log_batch) is handed 1000 points a call: its fastest road.",
    ]
    return [Report("Points a second until readable", "/s", "≥ 300 000 /s", entries, notes, failed)]


FIGURE = Figure("sustained", measure)
