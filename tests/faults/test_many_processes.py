"""Many processes at once on one project that does not exist yet."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import chiplog

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

# The processes are forked from one that has everything imported, and wait for one another, so
# that they really do meet at the first opening of the database.
PROGRAM = """
import os, sys, tempfile
import chiplog
from chiplog.core.stores import close_stores, open_tracking_store

open_tracking_store(f"sqlite:///{tempfile.mkdtemp()}/warm.db")
close_stores()
waiting, go = os.pipe()
children = []
for number in range(64):
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(waiting, 1)
        with chiplog.start_run(run_name=f"run {number}"):
            chiplog.log_param("number", number)
            for step in range(100):
                chiplog.log_metric("loss", number + step, step=step)
        sys.exit(0)
    children.append(child)
os.close(waiting)
os.close(go)
failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
sys.exit(f"{len(failed)} of 64 failed" if failed else 0)
"""


def test_sixty_four_processes_start_at_once_on_a_fresh_project_and_lose_nothing(
    project: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "locked" not in done.stderr
    client = chiplog.MlflowClient()
    runs = client.search_runs(["0"], max_results=1000)
    assert sorted(int(run.data.params["number"]) for run in runs) == list(range(64))
    for run in runs:
        number = int(run.data.params["number"])
        assert run.info.status == "FINISHED"
        history = client.get_metric_history(run.info.run_id, "loss")
        assert [(p.step, p.value) for p in history] == [(s, number + s) for s in range(100)]
    assert list((project / ".chiplog" / "journals").iterdir()) == []
