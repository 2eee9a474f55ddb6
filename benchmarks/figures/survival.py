"""What is left of a run whose process was killed (SIGKILL) right after a call returned."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench, Contender, Figure
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample


def measure(bench: Bench) -> list[Report]:
    calls = bench.of(1_000, 300)
    contenders = bench.present(
        Contender("chiplog"),
        Contender("aim"),
        Contender("trackio"),
        Contender("tensorboardx"),
        Contender("mlflow"),
        Contender("mlflow", "async", {"asynchronous": True}),
    )

    def once(contender: Contender) -> tuple[float, Any]:
        folder = bench.folder(contender.tool)
        with bench.worker(contender.tool, folder) as dying:
            if contender.options:
                dying.call("begin", **contender.options)
            dying.send("die_after", count=calls, seconds=0.001)
            dying.wait_for_death()
        with bench.worker(contender.tool, folder) as reader:
            left = reader.call("surviving")
        return 100 * left["points"] / calls, left

    results, failed = bench.take_turns(contenders, once, bench.of(3, 1), "SIGKILL")
    entries = [
        Entry(
            name,
            Sample(tuple(kept for kept, _ in values)),
            {
                "worst": f"{min(kept for kept, _ in values):.1f} %",
                "status afterwards": ", ".join(sorted(set(values[-1][1]["status"])))
                or "(none kept)",
            },
        )
        for name, values in results.items()
    ]
    notes = [
        (
            f"{calls:,} calls, one after each millisecond of work, then SIGKILL; counted by a new "
            "process that opens the store as usual. Kills at random points: `random_kills`."
        ),
    ]
    title = "Points still there after SIGKILL"
    return [Report(title, "%", "100 %, none twice", entries, notes, failed)]


FIGURE = Figure("survival", measure)
