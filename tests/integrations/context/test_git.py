from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.integrations.context import git

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "mlflow.source.git.commit"
BRANCH = "mlflow.source.git.branch"
URL = "mlflow.source.git.repoURL"


def test_commit_branch_and_remote_are_those_of_git(repository: Any) -> None:
    commit = repository.commit()
    repository.git("remote", "add", "origin", "https://github.com/x/y.git")
    assert git.tags(None) == {
        COMMIT: commit,
        BRANCH: "main",
        URL: "https://github.com/x/y.git",
    }


def test_a_new_commit_and_another_branch_are_seen_at_once(repository: Any) -> None:
    assert git.tags(None) == {}
    first = repository.commit()
    assert git.tags(None)[COMMIT] == first
    second = repository.commit(text="print(2)\n")
    assert git.tags(None)[COMMIT] == second
    repository.git("switch", "--quiet", "--create", "feature/ü")
    assert git.tags(None)[BRANCH] == "feature/ü"
    third = repository.commit(text="print(3)\n")
    assert git.tags(None) == {COMMIT: third, BRANCH: "feature/ü"}


def test_packed_refs_are_read(repository: Any) -> None:
    commit = repository.commit()
    repository.git("pack-refs", "--all", "--prune")
    assert not (repository.root / ".git/refs/heads/main").exists()
    assert git.tags(None) == {COMMIT: commit, BRANCH: "main"}
    assert git.tags(None)[COMMIT] == commit
    newer = repository.commit(text="print(2)\n")
    assert git.tags(None)[COMMIT] == newer


def test_a_detached_head_has_a_commit_and_no_branch(repository: Any) -> None:
    commit = repository.commit()
    repository.git("checkout", "--quiet", "--detach")
    assert git.tags(None) == {COMMIT: commit}


def test_a_linked_work_tree_has_its_own_head_and_the_common_remote(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit()
    repository.git("remote", "add", "origin", "git@host:x/y.git")
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    monkeypatch.chdir(tmp_path / "side")
    (tmp_path / "side" / "new").write_text("x")
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "y"], check=True
    )
    commit = repository.git("rev-parse", "side")
    assert git.tags(None) == {COMMIT: commit, BRANCH: "side", URL: "git@host:x/y.git"}


def test_a_submodule_is_a_repository_of_its_own(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = repository.commit()
    repository.git("init", "--quiet", str(tmp_path / "outer"))
    outer = type(repository)(tmp_path / "outer")
    outer.commit()
    outer.git("submodule", "--quiet", "add", str(repository.root), "sub")
    monkeypatch.chdir(tmp_path / "outer" / "sub")
    assert git.tags(None)[COMMIT] == inner


def test_the_script_decides_before_the_working_directory(repository: Any, tmp_path: Path) -> None:
    here = repository.commit()
    (tmp_path / "other").mkdir()
    other = type(repository)(tmp_path / "other")
    other.git("init", "--quiet")
    there = other.commit("deep/er/train.py")
    assert git.tags(tmp_path / "other" / "deep" / "er" / "train.py")[COMMIT] == there
    assert git.tags(tmp_path / "nowhere.py")[COMMIT] == here


def test_the_remote_of_the_branch_goes_before_origin(repository: Any) -> None:
    repository.commit()
    repository.git("remote", "add", "fork", "ssh://git@fork/x.git")
    assert git.tags(None)[URL] == "ssh://git@fork/x.git"
    repository.git("remote", "add", "origin", "https://origin/x.git")
    assert git.tags(None)[URL] == "https://origin/x.git"
    repository.git("config", "branch.main.remote", "fork")
    assert git.tags(None)[URL] == "ssh://git@fork/x.git"


@pytest.mark.parametrize(
    ("remote", "kept"),
    [
        ("https://user:hunter2@github.com/x/y.git", "https://github.com/x/y.git"),
        ("https://ghp_0123456789abcdefghij@github.com/x/y", "https://github.com/x/y"),
        ("https://github.com/x/y.git?private_token=hunter2", "https://github.com/x/y.git"),
        ("ssh://git:hunter2@host:22/x.git", "ssh://git@host:22/x.git"),
        ("git@github.com:x/y.git", "git@github.com:x/y.git"),
        ("/srv/git/x.git", "/srv/git/x.git"),
    ],
)
def test_credentials_in_a_remote_are_not_kept(repository: Any, remote: str, kept: str) -> None:
    repository.commit()
    repository.git("remote", "add", "origin", remote)
    assert git.tags(None)[URL] == kept


def test_outside_of_a_repository_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert git.tags(tmp_path / "train.py") == {}


@pytest.mark.parametrize(
    "head", ["", "nonsense", "ref: ../../../etc/passwd", "ref: refs/heads/../../../secret", "\xff"]
)
def test_a_broken_head_is_nothing(repository: Any, head: str) -> None:
    repository.commit()
    (repository.root / ".git" / "HEAD").write_text(head, encoding="latin-1")
    assert git.tags(None) == {}


def test_a_deleted_working_directory_is_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os; os.chdir(os.sys.argv[1]); os.rmdir(os.sys.argv[1])\n"
        "from chiplog.integrations.context import git; print(git.tags(None))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(gone)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "{}"


def test_reading_starts_no_program(repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository.commit()
    monkeypatch.setenv("PATH", os.devnull)
    assert git.tags(None)[COMMIT] == commit
