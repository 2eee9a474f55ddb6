"""Many processes that start at once on a store that does not exist yet."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from benchmarks.bench import Bench, Figure
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample
from benchmarks.worker import WorkerError

POINTS = 10


def measure(bench: Bench) -> list[Report]:
    processes = bench.of(64, 4)
    with bench.contest("chiplog", "tensorboardx", "trackio", "aim", "mlflow") as contest:
        results = contest.once(
            lambda c: _start_at_once(bench, c.tool, processes), f"{processes} processes"
        )
    entries = [
        Entry(
            name,
            Sample((float(found["succeeded"]),)),
            {
                "runs readable": str(found["runs"]),
                "points readable": f"{found['points']} of {processes * POINTS}",
                "all done after": f"{found['seconds']:.2f} s",
                "since launch": f"{found['since_launch']:.1f} s",
                "first error": found["error"][:60],
            },
        )
        for name, found in results.items()
    ]
    notes = [
        (
            f"{processes} processes that have imported the tool start a run at the same moment in "
            f"an empty folder, log {POINTS} points and end it; then a new process reads the store."
        ),
    ]
    title = f"{processes} processes at once on a fresh store"
    goal = f"all {processes}, nothing lost"
    return [Report(title, "succeeded", goal, entries, notes, contest.failed)]


def _start_at_once(bench: Bench, tool: str, processes: int) -> dict[str, Any]:
    folder = bench.folder(tool)
    errors = []
    launch = time.perf_counter()
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
        end = time.perf_counter()
    succeeded = processes - len(errors)
    with bench.worker(tool, folder) as reader:
        try:
            left = reader.call("surviving")
        except WorkerError as error:
            left = {"runs": 0, "points": 0}
            errors.append(f"reading: {error}")
    return {
        "succeeded": succeeded,
        "runs": left["runs"],
        "points": left["points"],
        "seconds": end - start,
        "since_launch": end - launch,
        "error": errors[0] if errors else "",
    }


FIGURE = Figure("processes", measure)
