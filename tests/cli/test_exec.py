"""``chiplog exec``: scripts run unchanged, as programs of their own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MLFLOW_SCRIPT = """
import sys
import mlflow

with mlflow.start_run(run_name="by mlflow") as run:
    mlflow.log_param("argv", " ".join(sys.argv[1:]))
print("name", __name__)
sys.exit(3)
"""


def chiplog_exec(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chiplog", "exec", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_an_mlflow_script_runs_unchanged_with_its_own_options_and_exit_code(
    project: Path, chiplog_json: Callable[..., Any]
) -> None:
    (project / "train.py").write_text(MLFLOW_SCRIPT)
    answer = chiplog_exec("train.py", "--epochs", "3", "--help", "-m", "--autolog")
    assert answer.returncode == 3, answer.stderr
    assert answer.stdout == "name __main__\n"
    (run,) = chiplog_json("runs", "list")
    assert run["info"]["run_name"] == "by mlflow"
    assert run["data"]["params"]["argv"] == "--epochs 3 --help -m --autolog"


def test_a_module_runs_as_python_m_does(project: Path, chiplog_json: Callable[..., Any]) -> None:
    (project / "package").mkdir()
    (project / "package" / "__init__.py").touch()
    (project / "package" / "train.py").write_text(MLFLOW_SCRIPT)
    answer = chiplog_exec("-m", "package.train", "a", "-b")
    assert answer.returncode == 3, answer.stderr
    assert chiplog_json("runs", "show")["data"]["params"]["argv"] == "a -b"


def test_a_scripts_exception_is_pythons_traceback_and_exit_code_1(project: Path) -> None:
    (project / "bad.py").write_text("def f():\n    return 1 / 0\nf()\n")
    answer = chiplog_exec("bad.py")
    assert answer.returncode == 1
    assert answer.stderr.startswith("Traceback (most recent call last):")
    assert answer.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "chiplog" not in answer.stderr


def test_a_script_that_is_not_there_is_named(project: Path) -> None:
    answer = chiplog_exec("nothing.py")
    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: There is no script 'nothing.py'")


def test_no_script_is_a_usage_error(project: Path) -> None:
    answer = chiplog_exec()
    assert answer.returncode == 2
    assert "Name a script" in answer.stderr
