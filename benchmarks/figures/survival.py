"""What is left of a run whose process was killed (SIGKILL) right after a call returned."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench, Figure
from benchmarks.contest import Contender
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample

BEFORE = 10


def measure(bench: Bench) -> list[Report]:
    calls = bench.of(2_000, 300)

    def once(contender: Contender) -> Any:
        folder = bench.folder(contender.tool)
        with bench.worker(contender.tool, folder) as dying:
            dying.call("one_of_many", points=BEFORE)  # the store and its tables are there
            if contender.options:
                dying.call("begin", **contender.options)
            dying.send("die_after", count=calls, seconds=0.001)
            dying.receive_death()
        with bench.worker(contender.tool, folder) as reader:
            left = reader.call("surviving")
        return left | {"kept": left["points"] - BEFORE}

    asynchronous = Contender("mlflow", "async", {"asynchronous": True})
    tools = ("chiplog", "aim", "trackio", "tensorboardx", "mlflow", asynchronous)
    with bench.contest(*tools) as contest:
        results = contest.rounds(once, bench.of(5, 1), "SIGKILL")
    entries = [
        Entry(
            name,
            Sample.of(100 * left["kept"] / calls for left in values),
            {
                "worst": f"{100 * min(left['kept'] for left in values) / calls:.1f} %",
                "lost at worst": str(calls - min(left["kept"] for left in values)),
                "status afterwards": ", ".join(sorted(set(values[-1]["status"]))) or "(has none)",
            },
        )
        for name, values in results.items()
    ]
    notes = [
        (
            f"{calls:,} calls, one after each millisecond of sleep, then SIGKILL; counted by a new "
            "process that opens the store as usual. The store and a first run were there before."
        ),
        "Sleep leaves the interpreter to the tools' own threads. Kills at random: `random_kills`.",
    ]
    title = "Points still there after SIGKILL"
    return [Report(title, "%", "100 %, none twice", entries, notes, contest.failed)]


FIGURE = Figure("survival", measure)
