"""``chiplog demo``: the main job, as a new user does it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

pytestmark = pytest.mark.framework


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chiplog", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )


def test_the_demo_trains_records_and_shows(
    project: Path, chiplog: Callable[..., Result], chiplog_json: Callable[..., Any]
) -> None:
    pytest.importorskip("sklearn")
    answer = run("demo")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    text = answer.stdout
    for expected in (
        "breast cancer",
        "Pipeline",
        "RandomForestClassifier",
        "GridSearchCV",
        "tumour-network",
        "validation_accuracy",
        "█",
        "hidden_layer_sizes",
        "Receipt",
        "scikit-learn",
        str(project / ".chiplog"),
        "chiplog explain latest",
    ):
        assert expected in text, expected
    runs = chiplog_json("runs", "list", "--children")
    top = [r for r in runs if "mlflow.parentRunId" not in r["data"]["tags"]]
    assert len(top) == 4
    assert len(runs) == 4 + 8
    assert all(r["info"]["status"] == "FINISHED" for r in runs)
    (network,) = [r for r in top if r["info"]["run_name"] == "tumour-network"]
    assert network["data"]["metrics"]["validation_accuracy"] > 0.8
    receipt = chiplog_json("explain", "latest")
    (session,) = receipt["sessions"]
    assert session["integration"] == "sklearn"
    assert len(session["calls"]) >= 1
    explained = chiplog("explain").stdout
    assert "partial_fit" in explained
    assert "Captured" in explained


def test_the_demos_script_is_shown_as_it_is_run(chiplog: Callable[..., Result]) -> None:
    text = chiplog("demo", "--show-script").stdout
    assert text.count("chiplog.autolog()\n") == 1
    compile(text, "demo_script.py", "exec")


def test_without_scikit_learn_the_demo_says_what_to_type(
    chiplog: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "sklearn" else found(name, *a)
    )
    result = chiplog("demo", code=1)
    assert "pip install 'chiplog[sklearn]'" in result.stderr
    assert list(project.iterdir()) == []
