"""What lies in a model's directory: files inside it, and nothing else."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from chiplog.core.errors import DamagedModel, NotFound
from chiplog.core.models.directory import check_modules, file_inside, files_in, inside

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    found = tmp_path / "model"
    (found / "data").mkdir(parents=True)
    (found / "data" / "a").write_text("a")
    (tmp_path / "outside").write_text("secret")
    return found


def test_files_are_found_through_links_that_stay_inside(directory: Path) -> None:
    (directory / "b").symlink_to("data/a")
    (directory / "folder").symlink_to("data")
    assert files_in(directory) == {"data/a", "b"}


@pytest.mark.parametrize("target", ["../../outside", "/etc", "../../model/../outside", "../.."])
def test_links_that_lead_out_are_refused(directory: Path, target: str) -> None:
    (directory / "data" / "link").symlink_to(target)
    with pytest.raises(DamagedModel, match="'data/link' is a link that leads out"):
        files_in(directory)


@pytest.mark.parametrize("target", ["link", "gone"])
def test_links_to_nothing_are_refused(directory: Path, target: str) -> None:
    (directory / "link").symlink_to(target)
    with pytest.raises(DamagedModel, match="'link' cannot be looked at"):
        files_in(directory)


def test_pipes_and_sockets_are_refused_and_not_opened(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(directory / "pipe")
    with pytest.raises(DamagedModel, match="'pipe' is no file but a pipe"):
        files_in(directory)
    (directory / "pipe").unlink()
    monkeypatch.chdir(directory)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        with pytest.raises(DamagedModel, match="'socket' is no file but a socket"):
            files_in(directory)


def test_a_model_of_more_files_than_allowed_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in range(5):
        (directory / str(name)).touch()
    monkeypatch.setenv("CHIPLOG_MODEL_MAX_FILES", "4")
    with pytest.raises(DamagedModel, match="more than 4 files"):
        files_in(directory)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "data/../../outside", ".."])
def test_a_name_that_leads_out_is_refused(directory: Path, name: str) -> None:
    with pytest.raises(DamagedModel, match="outside it"):
        inside(directory, name)


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000])
def test_a_name_that_can_be_none_is_refused(directory: Path, name: str) -> None:
    with pytest.raises(DamagedModel, match="can be none"):
        inside(directory, name)


def test_a_file_that_is_not_there_is_not_found(directory: Path) -> None:
    assert file_inside(directory, "data/a") == directory.resolve() / "data" / "a"
    for name in ("data", "b", ["a"], None):
        with pytest.raises(NotFound, match="lacks its file"):
            file_inside(directory, name)


@pytest.mark.parametrize("name", ["json.py", "types.pyc", "ssl.cpython-311.so", "code/__init__.py"])
def test_code_by_the_name_of_pythons_own_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(DamagedModel, match="stand for Python's own"):
        check_modules(tmp_path)


def test_other_code_is_not(tmp_path: Path) -> None:
    for name in ("mine.py", "package/json.py", "test/data.txt", "README"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    check_modules(tmp_path)
    check_modules(tmp_path / "not_there")
