"""What autologging adds to each step of a training, to a whole one, and to the memory.

Beside it: what the receipt says it added. Outside and inside must tell the same.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.bench import Bench, Figure
from benchmarks.contest import Contender
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample

if TYPE_CHECKING:
    from benchmarks.contest import Contest

Result = dict[str, Any]


@dataclass(frozen=True)
class Training:
    """A framework's training of many small steps.

    Attributes:
        name: on the command line and in ``workers/loops.py``.
        title: in the tables.
        steps: how many; ``few`` for the cost of a fit that hardly trains.
        peers: what else records it.
        by_hand: whether a tool without autologging of it is called in the loop.
        told: what a reader needs to know of it.
    """

    name: str
    title: str
    steps: int
    peers: tuple[Contender, ...]
    by_hand: bool = False
    few: int = 10
    told: list[str] = field(default_factory=list)


_CSV = Contender("plain", "CSV", {"logger": "CSV"})
_TENSORBOARD = Contender("plain", "TensorBoard", {"logger": "TensorBoard"})
_MLFLOW = Contender("mlflow")

TRAININGS = (
    Training(
        "torch",
        "plain PyTorch",
        1000,
        (Contender("mlflow", "log_metric by hand"), _CSV, _TENSORBOARD),
        by_hand=True,
        told=["A loop of the user's, of about 1 ms a step. MLflow does not see it by itself."],
    ),
    Training(
        "lightning",
        "Lightning",
        1000,
        (_MLFLOW, Contender("mlflow", "every step", {"every_step": True}), _CSV, _TENSORBOARD),
        told=["`trainer.fit`, one epoch; MLflow's default records an epoch's end only."],
    ),
    Training(
        "keras",
        "Keras",
        1000,
        (_MLFLOW, Contender("mlflow", "every step", {"every_step": True}), _CSV, _TENSORBOARD),
        told=[
            "`model.fit`, one epoch; MLflow's default and Keras's CSVLogger record its end only."
        ],
    ),
    Training("xgboost", "XGBoost", 1000, (_MLFLOW,), told=["`xgb.train`, one data set watched."]),
)


def measure(training: Training, bench: Bench) -> list[Report]:
    """A step, a whole fit."""
    contenders = (Contender("plain"), Contender("chiplog"), *training.peers)
    steps = bench.of(training.steps, 60)
    with bench.contest(*contenders) as contest:
        train = partial(_train, contest, training)
        contest.once(lambda c: _begin(contest, training, c), "preparation")
        contest.once(lambda c: train(c, training.few), "first fit")
        rounds = bench.of(7, 2)
        long = contest.rounds(lambda c: train(c, steps), rounds, f"{training.title}, steps")
        short = contest.rounds(lambda c: train(c, training.few), rounds, f"{training.title}, fits")
    return [
        _step_report(training, steps, long, contest.failed),
        _fit_report(training, short, contest.failed),
    ]


def _begin(contest: Contest, training: Training, contender: Contender) -> None:
    every_step = bool(contender.options.get("every_step"))
    contest.call(
        contender, "autolog_loops", framework=training.name, models=False, every_step=every_step
    )


def _train(contest: Contest, training: Training, contender: Contender, steps: int) -> Result:
    logger = contender.options.get("logger", "")
    result: Result = contest.call(
        contender,
        "loop",
        framework=training.name,
        steps=steps,
        logger=logger,
        by_hand=training.by_hand,
    )
    return result


def _step_report(
    training: Training, steps: int, found: dict[str, list[Result]], failed: dict[str, str]
) -> Report:
    plain = found.pop("plain", [])
    alone = statistics.median(one["step"] for one in plain) if plain else 0.0
    entries = [
        Entry(
            name,
            Sample.of(one["step"] - alone for one in results),
            {
                "of the step": f"{(_median(results, 'step') - alone) / alone:.1%}" if alone else "",
                "its thread's CPU": quantity(_median(results, "cpu") - _median(plain, "cpu"), "s"),
                "mean but the slowest 2 %": quantity(
                    _median(results, "mean") - _median(plain, "mean"), "s"
                ),
                "its receipt says": _told(results, "during", steps),
                "points a step": f"{_median(results, 'points') / steps:.2g}",
            },
        )
        for name, results in found.items()
    ]
    taken = f"Time over the same step without logging, which took {quantity(alone, 's')}"
    notes = [f"{taken}; medians of {steps} steps a round.", *training.told]
    title = f"autolog: a step of {training.title}"
    return Report(title, "s", "≤ 10 µs: 1 % of a 1 ms step", entries, notes, failed)


def _fit_report(
    training: Training, found: dict[str, list[Result]], failed: dict[str, str]
) -> Report:
    plain = found.pop("plain", [])
    alone = _median(plain, "seconds")
    entries = [
        Entry(
            name,
            Sample.of(one["seconds"] - alone for one in results),
            {"its receipt says": _told(results, "overhead", 1)},
        )
        for name, results in found.items()
    ]
    taken = f"Time over the same call of {training.few} steps without logging, which took"
    notes = [f"{taken} {quantity(alone, 's')}; without the model; the process has fitted before."]
    title = f"autolog: a short fit of {training.title}"
    return Report(title, "s", "≤ 50 ms without the model", entries, notes, failed)


def _told(results: list[Result], what: str, parts: int) -> str:
    told = [one[what] for one in results if what in one]
    return quantity(statistics.median(told) / parts, "s") if told else ""


def _median(results: list[Result], what: str) -> float:
    return statistics.median(one.get(what, 0.0) for one in results) if results else 0.0


def measure_memory(bench: Bench) -> list[Report]:
    """Memory over ten thousand steps."""
    steps = bench.of(10_000, 2000)
    reports = []
    for training in TRAININGS:
        with bench.contest(Contender("plain"), Contender("chiplog")) as contest:
            contest.once(partial(_begin, contest, training), "preparation")
            train = partial(_train, contest, training, steps=steps)
            found = contest.rounds(train, 1, f"{training.title}, memory")
        entries = [
            Entry(name, Sample.of(one["grown"] for one in results))
            for name, results in found.items()
        ]
        title = f"autolog: memory a step of {training.title}"
        notes = [f"Growth of the process between step {steps // 5} and step {steps}, a step."]
        reports.append(Report(title, "bytes", "no growth", entries, notes, contest.failed))
    return reports


FIGURES = tuple(Figure(one.name, partial(measure, one)) for one in TRAININGS)
MEMORY = Figure("memory", measure_memory)
