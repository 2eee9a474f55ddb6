from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.integrations.context import patch

if TYPE_CHECKING:
    from pathlib import Path

DIRTY = "mlflow.source.git.dirty"
PATH = "chiplog/uncommitted.patch"


def test_a_clean_work_tree_is_not_dirty_and_has_no_patch(repository: Any) -> None:
    repository.commit()
    assert patch.tags(None) == {DIRTY: "False"}
    assert patch.files(None) == {}


def test_the_patch_applies_to_the_commit(repository: Any, tmp_path: Path) -> None:
    repository.commit(text="one\ntwo\nthree\n")
    repository.commit("gone.py", "x\n")
    repository.write("train.py", "one\nzwei\nthree\nfour\n")
    repository.write("staged.py", "new\n")
    repository.git("add", "staged.py")
    (repository.root / "gone.py").unlink()
    assert patch.tags(None) == {DIRTY: "True"}
    text = patch.files(None)[PATH]
    assert text.startswith(f"# Uncommitted changes on top of {repository.git('rev-parse', 'HEAD')}")
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", ".", str(clone))
    subprocess.run(["git", "apply"], input=text, text=True, cwd=clone, check=True)
    assert (clone / "train.py").read_text() == "one\nzwei\nthree\nfour\n"
    assert (clone / "staged.py").read_text() == "new\n"
    assert not (clone / "gone.py").exists()


def test_untracked_files_alone_are_no_patch(repository: Any) -> None:
    repository.commit()
    repository.write("notes.txt", "x")
    assert patch.tags(None) == {DIRTY: "False"}
    assert patch.files(None) == {}


def test_untracked_files_are_listed_without_their_content_and_without_our_own(
    repository: Any,
) -> None:
    repository.commit()
    repository.write("train.py", "print(2)\n")
    repository.write("new/model.py", "content of the new file\n")
    repository.write(".chiplog/chiplog.db", "x")
    repository.write("sub/.chiplog/chiplog.db", "x")
    text = patch.files(None)[PATH]
    assert "# Untracked files, not kept: new/\n" in text.replace(", sub/", "").replace("sub/, ", "")
    assert ".chiplog" not in text
    assert "content of the new file" not in text


def test_a_program_that_is_untracked_itself_is_told(repository: Any) -> None:
    repository.commit()
    script = repository.write("experiments/try.py", "x = 1\n")
    assert patch.files(script)[PATH].endswith("# Untracked files, not kept: experiments/\n")
    assert patch.tags(script) == {DIRTY: "False"}


def test_before_the_first_commit_everything_added_is_the_patch(repository: Any) -> None:
    repository.write("train.py", "print(1)\n")
    repository.git("add", "train.py")
    assert "+print(1)" in patch.files(None)[PATH]


def test_files_that_hold_secrets_by_custom_are_left_out_and_named(repository: Any) -> None:
    names = [".env", "conf/.env.local", "deep/id_rsa", "x/server.pem", "Credentials.json", "a.key"]
    for name in names:
        repository.write(name, "old\n")
    repository.commit()
    for name in names:
        repository.write(name, "S3CRET-CONTENT\n")
    repository.write("train.py", "print(2)\n")
    text = patch.files(None)[PATH]
    assert "S3CRET" not in text
    assert "+print(2)" in text
    left_out = next(line for line in text.splitlines() if line.startswith("# Left out"))
    assert all(name in left_out for name in names)


def test_secrets_in_other_files_are_scrubbed(repository: Any) -> None:
    repository.commit("conf.yaml", "a: 1\n")
    repository.write("conf.yaml", "a: 1\ndb_password: correcthorse\nurl: postgres://me:pw1@db/x\n")
    repository.write("train.py", 'API_KEY = "sk-0123456789abcdef01"\ntoken = load_token()\n')
    repository.git("add", "--all")
    text = patch.files(None)[PATH]
    for secret in ("correcthorse", "pw1", "sk-0123"):
        assert secret not in text
    assert "+token = load_token()" in text
    assert "+++ b/conf.yaml" in text


def test_a_long_patch_is_cut_at_a_line_and_says_so(repository: Any, tmp_path: Path) -> None:
    repository.commit("data.csv", "x\n")
    repository.write("data.csv", "".join(f"{number},grün\n" for number in range(200_000)))
    text = patch.files(None)[PATH]
    assert "# Cut: the patch was longer than 1024 KiB" in text
    assert 1_000_000 < len(text.encode()) < (1 << 20) + 1000
    assert text.endswith(",grün\n")


def test_a_change_of_line_ends_and_binary_files_do_no_harm(repository: Any) -> None:
    repository.commit("a.bin", "x")
    (repository.root / "a.bin").write_bytes(b"\0\xff\xfe" * 100)
    (repository.root / "train.py").write_bytes(b"latin \xe9\r\n")
    repository.git("add", "--all")
    text = patch.files(None)[PATH]
    assert "Binary files a/a.bin and b/a.bin differ" in text


def test_git_runs_nothing_that_its_configuration_names(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit()
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch '{tmp_path}/sprung'\n")
    trap.chmod(0o755)
    for setting in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.x.command",
        "diff.x.textconv",
    ):
        repository.git("config", setting, str(trap))
    repository.write(".git/hooks/post-index-change", trap.read_text()).chmod(0o755)
    repository.write(".gitattributes", "*.py diff=x\n")
    repository.write("train.py", "print(2)\n")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_PAGER", str(trap))
    assert "+print(2)" in patch.files(None)[PATH]
    assert not (tmp_path / "sprung").exists()


def test_asking_does_not_touch_the_index(repository: Any) -> None:
    repository.commit()
    file = repository.root / "train.py"
    os.utime(file, (1, 1))  # the index would be refreshed for this
    before = (repository.root / ".git" / "index").read_bytes()
    assert patch.tags(None) == {DIRTY: "False"}
    assert (repository.root / ".git" / "index").read_bytes() == before


def test_variables_that_point_git_elsewhere_are_not_followed(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit()
    repository.write("train.py", "print(2)\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert patch.tags(None) == {DIRTY: "True"}


def test_without_git_there_is_nothing(repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit()
    monkeypatch.setenv("PATH", os.devnull)
    assert patch.tags(None) == {}
    assert patch.files(None) == {}


def test_a_repository_that_git_refuses_is_nothing(repository: Any) -> None:
    repository.commit()
    repository.git("config", "core.repositoryFormatVersion", "99")
    assert patch.tags(None) == {}
    assert patch.files(None) == {}


def test_a_repository_of_another_user_is_nothing(
    repository: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.commit()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(repository.root, 12345, 12345)
    os.chown(repository.root / ".git", 12345, 12345)
    assert patch.tags(None) == {}


def test_outside_of_a_repository_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert patch.tags(None) == {}
    assert patch.files(None) == {}
