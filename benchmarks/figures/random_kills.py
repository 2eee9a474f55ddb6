"""chiplog killed at random moments: what was acknowledged against what is there afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.bench import Bench, Figure
from benchmarks.environment import quiet_environment
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample
from benchmarks.worker import WorkerError

if TYPE_CHECKING:
    from benchmarks.contest import Contender


def measure(bench: Bench) -> list[Report]:
    kills = bench.of(1_000, 30)
    folder = bench.folder("kills")

    def once(_: Contender) -> dict[str, Any]:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.kills",
                "--kills",
                str(kills),
                "--longest",
                "0.4",
                "--json",
            ],
            cwd=folder,
            env=quiet_environment(folder) | {"TMPDIR": str(folder)},
            check=False,
            capture_output=True,
            text=True,
        )
        if not done.stdout:
            raise WorkerError((done.stderr.strip().splitlines() or ["no answer"])[-1])
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    with bench.contest("chiplog") as contest:
        results = contest.once(once, f"{kills} random kills")
    entries = [
        Entry(
            name,
            Sample((float(found["lost"] + found["duplicated"] + found["invented"]),)),
            {
                "kills": f"{found['kills']:,}",
                "acknowledged": f"{found['acknowledged']:,}",
                "lost": str(found["lost"]),
                "twice": str(found["duplicated"]),
                "made up": str(found["invented"]),
                "wrong status": str(found["wrong_status"]),
                "took": f"{found['seconds']:.0f} s",
            },
        )
        for name, found in results.items()
    ]
    notes = [
        (
            "`python -m benchmarks.kills`: processes that log points and params into one store, "
            "killed (SIGKILL) after a random time while others start and recover."
        ),
        *(problem for found in results.values() for problem in found["problems"]),
    ]
    title = f"{kills:,} SIGKILLs at random moments"
    return [Report(title, "wrong", "0 lost, 0 twice", entries, notes, contest.failed)]


FIGURE = Figure("random_kills", measure)
