"""What one point of a long, noisy series costs on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Figure
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample
from benchmarks.workers.protocol import folder_size

if TYPE_CHECKING:
    from benchmarks.contest import Contender

_POINTS = {
    "chiplog": (1_000_000, 200_000),
    "tensorboardx": (1_000_000, 50_000),
    "trackio": (500_000, 10_000),
    "aim": (200_000, 10_000),
    "mlflow": (200_000, 10_000),
}


def measure(bench: Bench) -> list[Report]:
    points = {name: bench.of(*sizes) for name, sizes in _POINTS.items()}

    def once(contender: Contender) -> tuple[float, float]:
        count = points[contender.tool]
        folder = bench.folder(contender.tool)
        with bench.worker(contender.tool, folder) as worker:
            before = worker.call("size", count=1)
            at_end = worker.call("size", count=count)
        return (folder_size(str(folder)) - before) / count, (at_end - before) / count

    with bench.contest(*points) as contest:
        results = contest.once(once, "disk")
    entries = [
        Entry(
            name,
            Sample((closed,)),
            {"when the run ended": f"{at_end:.1f} bytes", "points": f"{points[name]:,}"},
        )
        for name, (closed, at_end) in results.items()
    ]
    notes = [
        (
            "All files after the process ended, less those of a run of one point; a value with "
            "noise in every digit, steps in order, timestamps of the wall clock."
        ),
    ]
    return [Report("Bytes a point on disk", "bytes", "≤ 10 bytes", entries, notes, contest.failed)]


FIGURE = Figure("disk", measure)
