"""The fixtures that chiplog's pytest plugin offers, and that it costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import chiplog

if TYPE_CHECKING:
    import pytest

USERS_TEST = """
import os
import chiplog

def test_one(chiplog_project):
    assert os.path.realpath(".") == os.path.realpath(chiplog_project.path)
    assert "CHIPLOG_STRICT" not in os.environ
    with chiplog.start_run() as run:
        chiplog.log_metric("loss", 2.0, step=1)
        chiplog.log_metric("loss", 1.0, step=2)
        chiplog.log_text("hello", "a.txt")
    assert chiplog_project.only_run().info.run_id == run.info.run_id
    assert [p.value for p in chiplog_project.history(run.info.run_id, "loss")] == [2.0, 1.0]
    assert chiplog_project.read(run.info.run_id, "a.txt") == b"hello"

def test_two(chiplog_strict, chiplog_project):
    assert os.environ["CHIPLOG_STRICT"] == "1"
    assert chiplog_project.runs() == []
    chiplog.start_run()

def test_three(chiplog_project):
    assert chiplog.active_run() is None
"""


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(("CHIPLOG_", "MLFLOW_"))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_users_tests_are_recorded_in_projects_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(USERS_TEST)
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert "3 passed" in done.stdout, done.stdout
    assert not (tmp_path / ".chiplog").exists()


def test_it_imports_next_to_nothing_until_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(
        "import sys\n"
        "def test_one():\n"
        "    assert 'chiplog.testing.pytest_plugin' in sys.modules\n"
        "    found = sorted(name for name in sys.modules if name.startswith('chiplog'))\n"
        "    assert found == ['chiplog', 'chiplog.testing', 'chiplog.testing.pytest_plugin']\n"
        "    assert not {'numpy', 'sqlalchemy', 'wrapt', 'msgspec'} & set(sys.modules)\n"
    )
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert "1 passed" in done.stdout, done.stdout


def test_the_project_has_what_a_test_asks_for(
    chiplog_project: object, request: pytest.FixtureRequest
) -> None:
    assert Path.cwd() == request.getfixturevalue("tmp_path")
    with chiplog.start_run() as parent, chiplog.start_run(nested=True):
        pass
    project = request.getfixturevalue("chiplog_project")
    assert len(project.runs()) == 2
    assert project.only_run().info.run_id == parent.info.run_id
    assert len(project.children(parent.info.run_id)) == 1
