"""Real git repositories, made as a user makes them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from chiplog.integrations.context import patch

if TYPE_CHECKING:
    from pathlib import Path


class GitRepository:
    """A work tree and the git commands that make it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        names = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
        done = subprocess.run(
            ["git", *names, "-c", "protocol.file.allow=always", *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, name: str = "train.py", text: str = "print(1)\n") -> str:
        self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """An empty repository as the working directory."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path / "work tree"
    root.mkdir()
    made = GitRepository(root)
    made.git("init", "--quiet")
    monkeypatch.chdir(root)
    return made


@pytest.fixture(autouse=True)
def _ask_git_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "_states", {})
