"""What one point of a long, noisy series costs on disk."""

from __future__ import annotations

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample
from benchmarks.workers.protocol import folder_size

_POINTS = {
    "chiplog": (1_000_000, 200_000),
    "mlflow": (200_000, 20_000),
    "trackio": (500_000, 20_000),
    "tensorboardx": (1_000_000, 100_000),
    "aim": (200_000, 20_000),
}


def measure(bench: Bench) -> list[Report]:
    contenders = bench.present(*(Contender(tool) for tool in _POINTS))

    def once(contender: Contender) -> tuple[float, float]:
        points = bench.of(*_POINTS[contender.tool])
        folder = bench.folder(contender.tool)
        with bench.worker(contender.tool, folder) as worker:
            before = worker.call("size", count=1)
            at_end = worker.call("size", count=points)
        return (folder_size(str(folder)) - before) / points, (at_end - before) / points

    results, failed = bench.take_turns(contenders, once, 1, "disk")
    entries = [
        Entry(
            name,
            Sample(tuple(closed for closed, _ in values)),
            {
                "at the run's end": f"{values[-1][1]:.1f} bytes",
                "points": f"{bench.of(*_POINTS[name]):,}",
            },
        )
        for name, values in results.items()
    ]
    notes = [
        (
            "All files after the process ended, less those of a run of one point; "
            "a value with noise in every digit, steps in order, timestamps of the wall clock."
        ),
    ]
    return [Report("Bytes a point on disk", "bytes", "≤ 10 bytes", entries, notes, failed)]


FIGURE = Figure("disk", measure)
