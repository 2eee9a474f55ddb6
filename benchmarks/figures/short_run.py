"""A short run: 20 params, 10 tags and 5 metrics; created, logged, ended and read back."""

from __future__ import annotations

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample


def measure(bench: Bench) -> list[Report]:
    contenders = bench.present(
        *(Contender(tool) for tool in ("chiplog", "tensorboardx", "trackio", "aim", "mlflow"))
    )
    with bench.workers(contenders) as workers:
        first = {c.name: workers[c.name].call("short_run") for c in contenders}
        for contender in contenders:
            workers[contender.name].call("short_run")
        results, failed = bench.take_turns(
            contenders,
            lambda c: float(workers[c.name].call("short_run")),
            bench.of(25, 7),
            "short run",
        )
    entries = [
        Entry(
            name,
            Sample(tuple(values)),
            {"first in the process": quantity(first[name], "s")},
        )
        for name, values in results.items()
    ]
    notes = [
        "The first run in a process also makes the store and its tables.",
        "tensorboardX has neither params nor tags (texts here), trackio no tags (configuration).",
    ]
    title = "A short run, until it can be read"
    return [Report(title, "s", "≤ 2 ms", entries, notes, failed)]


FIGURE = Figure("short_run", measure)
