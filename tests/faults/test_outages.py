"""The store or the clock misbehaves while a real process trains."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import chiplog

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from chiplog.core.entities import Run


def run_program(body: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def the_run() -> Run:
    (run,) = chiplog.MlflowClient().search_runs(["0"])
    return run


def steps_of(run: Run, key: str = "loss") -> list[int]:
    return [p.step for p in chiplog.MlflowClient().get_metric_history(run.info.run_id, key)]


def test_a_database_that_another_program_locks_for_a_while_costs_nothing(project: Path) -> None:
    with chiplog.start_run() as run:
        chiplog.log_metric("loss", 0.0, step=0)
        assert steps_of(run) == [0]
        other = sqlite3.connect(project / ".chiplog" / "chiplog.db", isolation_level=None)
        try:
            other.execute("BEGIN EXCLUSIVE")
            for step in range(1, 50_000):
                chiplog.log_metric("loss", 0.0, step=step)
            other.execute("ROLLBACK")
        finally:
            other.close()
    assert steps_of(the_run()) == list(range(50_000))


def test_a_database_that_is_removed_while_a_process_logs_stops_nothing(project: Path) -> None:
    done = run_program(
        """
        import chiplog, shutil
        with chiplog.start_run():
            for step in range(10_000):
                chiplog.log_metric("loss", 0.0, step=step)
            shutil.rmtree(".chiplog")
            for step in range(10_000, 100_000):
                chiplog.log_metric("loss", 0.0, step=step)
        print("trained")
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "trained\n"


def test_what_could_not_be_delivered_is_delivered_by_the_next_process(project: Path) -> None:
    done = run_program(
        """
        import chiplog
        from chiplog.core.errors import StoreUnavailable
        from chiplog.core.stores import open_tracking_store

        store = open_tracking_store(chiplog.get_tracking_uri())
        def away(batch):
            raise StoreUnavailable("away")
        store.apply = away
        with chiplog.start_run():
            for step in range(10_000):
                chiplog.log_metric("loss", 0.0, step=step)
        """
    )
    assert done.returncode == 0, done.stderr
    assert "chiplog sync" in done.stderr
    run = the_run()
    assert run.info.status == "FINISHED"
    assert steps_of(run) == list(range(10_000))


def test_a_clock_that_jumps_changes_neither_order_nor_count(project: Path) -> None:
    done = run_program(
        """
        import itertools, os, signal, time
        import chiplog

        real, real_ns = time.time, time.time_ns
        jumps = itertools.cycle([0, -86_400 * 365, 86_400 * 365, -1, 3600])
        now = [0]
        time.time = lambda: real() + now[0]
        time.time_ns = lambda: real_ns() + now[0] * 10**9
        chiplog.start_run()
        for step in range(20_000):
            if step % 500 == 0:
                now[0] = next(jumps)
            chiplog.log_metric("loss", 0.5, step=step)
        for directory, _, names in os.walk(".chiplog/journals"):
            for name in names:
                os.utime(os.path.join(directory, name), (real() + 1e7, real() + 1e7))
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert done.returncode == -9, done.stderr
    run = the_run()
    assert run.info.status == "KILLED"
    assert sorted(steps_of(run)) == list(range(20_000))
    assert run.info.end_time is not None


def test_a_killed_process_is_found_though_its_project_was_moved(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "here").mkdir()
    monkeypatch.chdir(project / "here")
    done = run_program(
        """
        import os, signal
        import chiplog
        chiplog.start_run()
        for step in range(1000):
            chiplog.log_metric("loss", 0.5, step=step)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert done.returncode == -9, done.stderr
    monkeypatch.chdir(project)
    (project / "here").rename(project / "there")
    monkeypatch.chdir(project / "there")
    run = the_run()
    assert run.info.status == "KILLED"
    assert steps_of(run) == list(range(1000))
