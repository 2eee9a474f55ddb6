"""SIGKILL at random moments, against counts of what was acknowledged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# The same program with --kills 1000 is the benchmark.
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_was_acknowledged_is_lost_or_doubled_by_kills(seed: int) -> None:
    arguments = ["--kills", "12", "--parallel", "3", "--seed", str(seed), "--json"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["kills"] == 12
    assert outcome["acknowledged"] > 0
    assert (outcome["lost"], outcome["duplicated"], outcome["invented"]) == (0, 0, 0)
    assert outcome["wrong_status"] == 0
    assert outcome["problems"] == []
