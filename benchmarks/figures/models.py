"""What models cost: saving a small one, and holding a prediction's data to its signature."""

from __future__ import annotations

from benchmarks.bench import Bench, Figure
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample


def saving(bench: Bench) -> list[Report]:
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


def enforcement(bench: Bench) -> list[Report]:
    return [
        _enforcement(bench, "a frame that fits, of 100,000 rows and 50 columns", "≤ 20 ms"),
        _enforcement(bench, "the same size, every int32 made an int64", "none", narrow=True),
    ]


def _enforcement(bench: Bench, what: str, goal: str, *, narrow: bool = False) -> Report:
    with bench.contest("chiplog", "mlflow") as contest:
        contest.once(lambda c: contest.seconds(c, "enforce", narrow=narrow), "first enforce")
        results = contest.rounds(
            lambda c: contest.seconds(c, "enforce", narrow=narrow), bench.of(11, 1), "enforce"
        )
    entries = [Entry(name, Sample.of(values)) for name, values in results.items()]
    notes = [
        (
            "`predict` of a python_function that hands its data back, loaded by each tool; new "
            "data each time. Columns of doubles, floats, integers, booleans, text and times."
            if not narrow
            else "As before, with columns of integers alone."
        ),
    ]
    return Report(f"Holding data to a signature: {what}", "s", goal, entries, notes, contest.failed)


SAVING = Figure("log_model", saving)
ENFORCEMENT = Figure("enforce", enforcement)
