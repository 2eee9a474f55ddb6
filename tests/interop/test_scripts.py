"""Scripts written for MLflow print the same with chiplog in its place, unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.framework, pytest.mark.slow]

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))

# One process for all of them: importing the frameworks takes most of its time.
RUN_ALL = """
import contextlib, io, json, os, runpy, sys, traceback
import chiplog
chiplog.install_mlflow_alias()
said = {}
for script in sys.argv[1:]:
    name = os.path.basename(script)
    os.mkdir(name)
    os.chdir(name)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            runpy.run_path(script, run_name="__main__")
    except BaseException:
        out.write(traceback.format_exc())
    said[name] = out.getvalue()
    os.chdir("..")
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each script prints with chiplog as ``mlflow``."""
    names = ("CHIPLOG_", "MLFLOW_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    # What MLflow does unless it is told not to: a PythonModel is a pickle.
    environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "true"
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, *map(str, SCRIPTS)],
        cwd=tmp_path_factory.mktemp("scripts"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_prints_what_it_prints_with_mlflow(
    script: Path, said: dict[str, str], peer: Any, tmp_path: Path
) -> None:
    theirs = peer.ask("run_script", path=str(script), folder=str(tmp_path))["said"]
    assert said[script.name].splitlines() == theirs.splitlines()
    assert len(theirs.splitlines()) >= 4
