"""What is left of a run whose process was killed (SIGKILL) right after a call returned."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench, Figure
from benchmarks.contest import Contender
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample


def measure(bench: Bench) -> list[Report]:
    calls = bench.of(1_000, 300)

    def once(contender: Contender) -> Any:
        folder = bench.folder(contender.tool)
        with bench.worker(contender.tool, folder) as dying:
            if contender.options:
                dying.call("begin", **contender.options)
            dying.send("die_after", count=calls, seconds=0.001)
            dying.receive_death()
        with bench.worker(contender.tool, folder) as reader:
            return reader.call("surviving")

    asynchronous = Contender("mlflow", "async", {"asynchronous": True})
    tools = ("chiplog", "aim", "trackio", "tensorboardx", "mlflow", asynchronous)
    with bench.contest(*tools) as contest:
        results = contest.rounds(once, bench.of(3, 1), "SIGKILL")
    entries = [
        Entry(
            name,
            Sample.of(100 * left["points"] / calls for left in values),
            {
                "worst": f"{100 * min(left['points'] for left in values) / calls:.1f} %",
                "status afterwards": ", ".join(sorted(set(values[-1]["status"]))) or "(has none)",
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
    return [Report(title, "%", "100 %, none twice", entries, notes, contest.failed)]


FIGURE = Figure("survival", measure)
