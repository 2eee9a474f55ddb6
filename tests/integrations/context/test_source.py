from __future__ import annotations

import getpass
import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from chiplog.integrations.context import chiplog_run_context, source

if TYPE_CHECKING:
    from pathlib import Path


def test_a_script_is_named_as_it_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    monkeypatch.setattr(sys, "argv", ["train.py", "--lr", "1"])
    assert source.tags() == {
        "mlflow.user": getpass.getuser(),
        "mlflow.source.name": "train.py",
        "mlflow.source.type": "LOCAL",
    }
    assert source.script() == tmp_path / "train.py"


@pytest.mark.parametrize("arguments", [[], [""]])
def test_a_console_has_a_name_and_no_script(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", arguments)
    assert source.tags()["mlflow.source.name"] == "<console>"
    assert source.script() is None


def test_code_on_the_command_line_has_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert source.script() is None


def test_a_notebook_is_told_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(user_ns={}, kernel=None)
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    assert source.tags()["mlflow.source.type"] == "LOCAL"
    shell.kernel = object()
    assert source.tags()["mlflow.source.type"] == "NOTEBOOK"
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/train.ipynb")
    assert source.tags()["mlflow.source.name"] == "/home/me/train.ipynb"
    shell.user_ns["__vsc_ipynb_file__"] = "/home/me/other.ipynb"
    assert source.tags()["mlflow.source.name"] == "/home/me/other.ipynb"
    assert source.script() is None


def test_a_user_without_a_name_is_a_number() -> None:
    code = (
        "import os, pwd; from chiplog.integrations.context import source\n"
        "os.setuid(54321); print(source.tags()['mlflow.user'])"
    )
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={}
    )
    assert done.stdout.strip() == "54321"


def test_the_plugin_puts_its_parts_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    tags = chiplog_run_context()
    assert tags["chiplog.slurm.job_id"] == "17"
    assert tags["mlflow.user"] == getpass.getuser()
