"""A short run: 20 params, 10 tags and 5 metrics; created, logged, ended and read back."""

from __future__ import annotations

from benchmarks.bench import Bench, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample


def measure(bench: Bench) -> list[Report]:
    with bench.contest("chiplog", "tensorboardx", "trackio", "aim", "mlflow") as contest:
        first = contest.once(lambda c: contest.seconds(c, "short_run"), "first short run")
        contest.once(lambda c: contest.seconds(c, "short_run"), "second short run")
        results = contest.rounds(
            lambda c: contest.seconds(c, "short_run"), bench.of(25, 3), "short run"
        )
    entries = [
        Entry(name, Sample.of(values), {"first in the process": quantity(first[name], "s")})
        for name, values in results.items()
    ]
    notes = [
        "The first run in a process also makes the store and its tables.",
        "tensorboardX has neither params nor tags (texts here), trackio no tags (configuration).",
    ]
    title = "A short run, until it can be read"
    return [Report(title, "s", "≤ 2 ms", entries, notes, contest.failed)]


FIGURE = Figure("short_run", measure)
