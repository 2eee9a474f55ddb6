"""What saving a small model costs, with signature and input example."""

from __future__ import annotations

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample


def measure(bench: Bench) -> list[Report]:
    contenders = bench.present(Contender("chiplog"), Contender("mlflow"))
    with bench.workers(contenders) as workers:
        first = {c.name: workers[c.name].call("log_model") for c in contenders}
        results, failed = bench.take_turns(
            contenders,
            lambda c: float(workers[c.name].call("log_model")),
            bench.of(7, 1),
            "log_model",
        )
    entries = [
        Entry(name, Sample(tuple(values)), {"first in the process": quantity(first[name], "s")})
        for name, values in results.items()
    ]
    notes = [
        (
            "LogisticRegression, `sklearn.log_model(model, name=…, input_example=X.head(5))` "
            "inside a run; both tools infer the signature and save by skops by default."
        ),
    ]
    return [Report("log_model of a small model", "s", "≤ 30 ms", entries, notes, failed)]


FIGURE = Figure("log_model", measure)
