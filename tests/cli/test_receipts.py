"""``chiplog explain`` of runs whose training never ended, or was recorded in child runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import chiplog as log
from chiplog.core.autolog.config import AUTOLOGGING_TAG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

KILLED = """
import os, signal
from chiplog.core.autolog import engine
from chiplog.core.autolog.opening import open_session
name = next(n for n, i in engine.integrations().items() if not i.accompanies)
opened = open_session(name)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_training_whose_process_was_killed_began_and_never_ended(
    chiplog: Callable[..., Result], project: Path
) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, check=False
    )
    assert answer.returncode == -signal.SIGKILL, answer.stderr
    said = chiplog("explain").stdout
    assert "KILLED" in said
    assert "training began and never ended" in " ".join(said.split())
    assert "No training was autologged" not in said


def test_trainings_recorded_as_child_runs_are_pointed_to(
    chiplog: Callable[..., Result], project: Path
) -> None:
    with log.start_run(run_name="parent") as parent:
        for _ in range(2):
            with log.start_run(nested=True, tags={AUTOLOGGING_TAG: "sklearn"}):
                pass
        with log.start_run(nested=True):
            pass
    said = chiplog("explain", "parent").stdout
    assert "2 child runs" in said
    assert f"chiplog runs list --parent {parent.info.run_id[:8]}" in said
    assert "No training was autologged" not in said
