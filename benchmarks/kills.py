"""Kill logging processes at random moments and count what was acknowledged and is not there.

    python benchmarks/kills.py --kills 1000

Every process logs points and parameters into a run of its own, all into one SQLite project, and
counts in shared memory what ``log_metric`` and ``log_param`` have returned from. It is killed with
SIGKILL after a random time: before its first point, while it logs, while it starts, or while it
delivers what the one before it left. Then everything is recovered and compared with the counts.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

import chiplog
from chiplog.core.journal import recover
from chiplog.core.stores import close_stores, open_tracking_store

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore

_POINTS_PER_PARAM = 100
_AT_WORK = 0.5  # the share of processes that are killed at work; others may not have come to it
_START_SECONDS = 30.0
_OWNERLESS_SECONDS = 6.0  # after which an owner file without content is taken to be left behind


@dataclass
class Outcome:
    """What became of all that was acknowledged, over all kills."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    invented: int = 0
    wrong_status: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def is_perfect(self) -> bool:
        """Whether nothing was lost, doubled, made up or misreported."""
        return not (self.lost or self.duplicated or self.invented or self.wrong_status)


class Victim:
    """A process that logs until it is killed.

    Attributes:
        run_id: its run.
        pid: its process, once started.
    """

    def __init__(self, number: int) -> None:
        self.run_id = f"{number:032x}"
        self.pid = 0
        # Shared with the child, and outlives it; each count is one store of eight bytes.
        self._counts = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q")

    @property
    def counts(self) -> tuple[int, int]:
        """How many points and parameters were acknowledged."""
        return self._counts[0], self._counts[1]

    def start(self, uri: str) -> None:
        """Fork the process."""
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._log_for_ever(uri)
            finally:
                os._exit(1)

    def wait_for_work(self) -> None:
        """Wait until it has logged something: on a busy machine a start may take long."""
        until = time.monotonic() + _START_SECONDS
        while not self._counts[0] and time.monotonic() < until:
            time.sleep(0.001)

    def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"A process ended by itself: wait status {status}.")

    def _log_for_ever(self, uri: str) -> None:
        from chiplog.core.records import RunStarted
        from chiplog.core.runs.writer import RunWriter

        chiplog.set_tracking_uri(uri)
        open_tracking_store(uri)
        pen = RunWriter(self.run_id, "0", uri, params={}, is_new=True)
        pen.record(RunStarted(self.run_id, "0", "me", 1, "victim"))
        points = params = 0
        while True:
            pen.log_metric("loss", points / 2, step=points)
            points += 1
            self._counts[0] = points
            if points % _POINTS_PER_PARAM == 0:
                pen.log_params({f"p{params}": params})
                params += 1
                self._counts[1] = params


def check(victim: Victim, store: TrackingStore, outcome: Outcome) -> None:
    """Compare what a killed process had acknowledged with what the store has."""
    points, params = victim.counts
    outcome.kills += 1
    outcome.acknowledged += points + params
    try:
        run = store.get_run(victim.run_id)
    except chiplog.exceptions.MlflowException:
        outcome.lost += points + params
        return
    columns = store.get_points(victim.run_id, "loss")
    steps = [step for part in columns for step in part.steps.tolist()]
    values = [value for part in columns for value in part.values.tolist()]
    seen = set(steps)
    outcome.lost += len(set(range(points)) - seen)
    outcome.duplicated += len(steps) - len(seen)
    # One more than was acknowledged may be there: killed between the record and the count.
    outcome.invented += len(seen - set(range(points + 1)))
    outcome.invented += sum(value != step / 2 for step, value in zip(steps, values, strict=True))
    outcome.lost += len({f"p{i}" for i in range(params)} - run.data.params.keys())
    outcome.invented += len(run.data.params.keys() - {f"p{i}" for i in range(params + 1)})
    outcome.wrong_status += run.info.status != "KILLED"


def warm_up(folder: Path) -> None:
    """Import in this process what every victim needs, so that kills meet them at their work."""
    open_tracking_store(f"sqlite:///{folder / 'runs.db'}")
    close_stores()


def kill_many(kills: int, parallel: int, longest: float, seed: int, project: Path) -> Outcome:
    """Kill ``kills`` processes, ``parallel`` at a time, each after up to ``longest`` seconds."""
    moments = random.Random(seed)
    warm_up(project / "warm")
    uri = f"sqlite:///{project / '.chiplog' / 'chiplog.db'}"
    began = time.monotonic()
    victims = [Victim(number + 1) for number in range(kills)]
    groups = [victims[i : i + parallel] for i in range(0, kills, parallel)]
    for group in track(groups, "Killing", console=Console(stderr=True), transient=True):
        for victim in group:
            victim.start(uri)
        for victim in group:
            if moments.random() < _AT_WORK:
                victim.wait_for_work()
            time.sleep(moments.uniform(0, longest))
            victim.kill()
    outcome = Outcome()
    store = open_tracking_store(uri, deliver=False)
    outcome.problems = recover(store).problems
    if left_behind(store):
        time.sleep(_OWNERLESS_SECONDS)
        outcome.problems += recover(store).problems
    for victim in victims:
        check(victim, store, outcome)
    outcome.seconds = time.monotonic() - began
    if left := left_behind(store):
        outcome.problems.append(f"{len(left)} files were left behind: {left[0]}, …")
    return outcome


def left_behind(store: TrackingStore) -> list[str]:
    """The names of files of journals that are still there."""
    assert store.journal_directory is not None
    return sorted(path.name for path in store.journal_directory.iterdir())


@click.command()
@click.option("--kills", default=1000, show_default=True, help="How many processes to kill.")
@click.option("--parallel", default=3, show_default=True, help="How many run at a time.")
@click.option("--longest", default=0.15, show_default=True, help="Seconds until a kill, at most.")
@click.option("--seed", default=0, show_default=True, help="Which random moments.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(kills: int, parallel: int, longest: float, seed: int, as_json: bool) -> None:
    """Kill logging processes at random moments; exit code 1 if anything acknowledged was lost."""
    with tempfile.TemporaryDirectory(prefix="chiplog-kills-") as project:
        outcome = kill_many(kills, parallel, longest, seed, Path(project))
    if as_json:
        click.echo(json.dumps(asdict(outcome)))
    else:
        table = Table(title=f"{kills} SIGKILLs at random moments, {outcome.seconds:.0f} s")
        for name in ("kills", "acknowledged", "lost", "duplicated", "invented", "wrong_status"):
            table.add_column(name.replace("_", " "), justify="right")
        table.add_row(*(f"{value:,}" for value in list(asdict(outcome).values())[:6]))
        Console().print(table)
        for problem in outcome.problems:
            click.echo(problem)
    sys.exit(0 if outcome.is_perfect else 1)


if __name__ == "__main__":
    main()
