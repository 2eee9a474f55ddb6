"""Many processes that start at once on a store that does not exist yet."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample
from benchmarks.worker import WorkerError

POINTS = 10


def measure(bench: Bench) -> list[Report]:
    processes = bench.of(64, 8)
    contenders = bench.present(
        *(Contender(tool) for tool in ("chiplog", "tensorboardx", "trackio", "aim", "mlflow"))
    )
    results, failed = bench.take_turns(
        contenders,
        lambda c: _once(bench, c.tool, processes),
        1,
        f"{processes} processes",
    )
    entries = [
        Entry(
            name,
            Sample((float(values[0]["succeeded"]),)),
            {
                "runs readable": str(values[0]["runs"]),
                "points readable": f"{values[0]['points']} of {processes * POINTS}",
                "until all were done": f"{values[0]['seconds']:.2f} s",
                "first error": values[0]["error"][:60],
            },
        )
        for name, values in results.items()
    ]
    notes = [
        (
            f"{processes} processes that have imported the tool start a run at once in an "
            f"empty folder, log {POINTS} points and end it; then a new process reads the store."
        ),
    ]
    title = f"{processes} processes at once on a fresh store"
    return [Report(title, "succeeded", f"all {processes}, nothing lost", entries, notes, failed)]


def _once(bench: Bench, tool: str, processes: int) -> dict[str, Any]:
    folder = bench.folder(tool)
    errors = []
    with ExitStack() as stack:
        workers = [stack.enter_context(bench.worker(tool, folder)) for _ in range(processes)]
        for worker in workers:
            worker.call("verbs")  # answers once the tool is imported
        start = time.perf_counter()
        for worker in workers:
            worker.send("one_of_many", points=POINTS)
        for worker in workers:
            try:
                worker.receive()
            except WorkerError as error:
                errors.append(str(error))
        seconds = time.perf_counter() - start
    with bench.worker(tool, folder) as reader:
        try:
            left = reader.call("surviving")
        except WorkerError as error:
            left = {"runs": 0, "points": 0}
            errors.append(f"reading: {error}")
    return {
        "succeeded": processes - len(errors),
        "runs": left["runs"],
        "points": left["points"],
        "seconds": seconds,
        "error": errors[0] if errors else "",
    }


FIGURE = Figure("processes", measure)
