"""What each tool costs a process before it has recorded anything, and until it has."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from benchmarks.bench import Bench, Figure
from benchmarks.environment import quiet_environment
from benchmarks.report import Entry, Report
from benchmarks.sample import Sample
from benchmarks.worker import WorkerError

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.contest import Contender

_SCRIPT = """
import json, sys, time
before = len(sys.modules)
start = time.perf_counter()
{imported}
{first}
seconds = time.perf_counter() - start
print("\\n" + json.dumps([seconds, len(sys.modules) - before]), flush=True)
"""
_IMPORTS = {
    "chiplog": "import chiplog",
    "mlflow": "import mlflow",
    "trackio": "import trackio",
    "tensorboardx": "import tensorboardX",
    "aim": "import aim",
}
_FIRST_POINTS = {
    "chiplog": "chiplog.log_metric('loss', 0.5)",
    "mlflow": "mlflow.log_metric('loss', 0.5)",
    "trackio": "trackio.init(project='first'); trackio.log({'loss': 0.5})",
    "tensorboardx": "tensorboardX.SummaryWriter().add_scalar('loss', 0.5, 0)",
    "aim": "run = aim.Run(); run.track(0.5, name='loss')",
}


def measure(bench: Bench) -> list[Report]:
    bare = _report(bench, {}, "import, in a fresh process", "≤ 60 ms", bench.of(11, 2))
    first = _report(
        bench,
        _FIRST_POINTS,
        "A fresh process to its first recorded point (import, run, one value)",
        "none set: what a lazy import puts off shows here",
        bench.of(7, 2),
    )
    return [bare, first]


def _report(bench: Bench, statements: dict[str, str], title: str, goal: str, rounds: int) -> Report:
    with bench.contest(*_IMPORTS) as contest:
        folders = {tool: bench.folder(tool) for tool in _IMPORTS}

        def once(contender: Contender) -> tuple[float, int]:
            tool = contender.tool
            script = _SCRIPT.format(imported=_IMPORTS[tool], first=statements.get(tool, ""))
            return _run(bench.python(tool), script, folders[tool])

        contest.once(once, "compiling")  # and making the store, as the first use of all does
        results = contest.rounds(once, rounds, title)
    entries = [
        Entry(
            name,
            Sample.of(seconds for seconds, _ in values),
            {"modules loaded": str(values[-1][1])},
        )
        for name, values in results.items()
    ]
    notes = ["Files are in the page cache, compiled modules on disk, the store is there already."]
    return Report(title, "s", goal, entries, notes, contest.failed)


def _run(python: Path, script: str, folder: Path) -> tuple[float, int]:
    environment = quiet_environment(folder)
    del environment["PYTHONPATH"]
    done = subprocess.run(
        [python, "-c", script],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise WorkerError(done.stderr.strip().splitlines()[-1])
    # A tool may print before, and after the answer at exit.
    answer = next(line for line in done.stdout.splitlines() if line.startswith("["))
    seconds, modules = json.loads(answer)
    return seconds, modules


FIGURE = Figure("import", measure)
