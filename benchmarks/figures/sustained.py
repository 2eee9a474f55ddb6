"""How many points a second one process gets into its store, until all of them can be read."""

from __future__ import annotations

from benchmarks.bench import Bench, Figure
from benchmarks.contest import Contender
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample

_POINTS = {
    "chiplog": (1_000_000, 200_000),
    "tensorboardx": (200_000, 20_000),
    "trackio": (100_000, 10_000),
    "aim": (50_000, 5_000),
    "mlflow": (1_000, 200),
    "mlflow (log_batch of 1000)": (50_000, 5_000),
}


def measure(bench: Bench) -> list[Report]:
    points = {name: bench.of(*sizes) for name, sizes in _POINTS.items()}
    batches = Contender("mlflow", "log_batch of 1000", {"batch": 1000})

    with bench.contest("chiplog", "tensorboardx", "trackio", "aim", "mlflow", batches) as contest:

        def once(contender: Contender) -> float:
            count = points[contender.name]
            return count / contest.seconds(contender, "sustained", count=count, **contender.options)

        results = contest.rounds(once, bench.of(5, 1), "sustained")
    entries = [
        Entry(name, Sample.of(values), {"points": f"{points[name]:,}"})
        for name, values in results.items()
    ]
    notes = [
        (
            "From the start of a run to the return of its end, one log_metric call a point; "
            "afterwards, outside the clock, every point was read back and counted."
        ),
        "mlflow (log_batch) is handed 1000 points a call: its fastest road.",
    ]
    title = "Points a second until readable"
    return [Report(title, "/s", "≥ 300 000 /s", entries, notes, contest.failed)]


FIGURE = Figure("sustained", measure)
