"""What saving a small model costs, with signature and input example."""

from __future__ import annotations

from benchmarks.bench import Bench, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample


def measure(bench: Bench) -> list[Report]:
    with bench.contest("chiplog", "mlflow") as contest:
        first = contest.once(lambda c: contest.seconds(c, "log_model"), "first log_model")
        results = contest.rounds(
            lambda c: contest.seconds(c, "log_model"), bench.of(7, 1), "log_model"
        )
    entries = [
        Entry(name, Sample.of(values), {"first in the process": quantity(first[name], "s")})
        for name, values in results.items()
    ]
    notes = [
        (
            "LogisticRegression, `sklearn.log_model(model, name=…, input_example=X.head(5))` in "
            "a run; both tools infer the signature and save by skops by default."
        ),
    ]
    title = "log_model of a small model"
    return [Report(title, "s", "≤ 30 ms", entries, notes, contest.failed)]


FIGURE = Figure("log_model", measure)
