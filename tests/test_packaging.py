"""What is published is what is in the tree."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def build(source: Path, target: str, destination: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(destination)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (built,) = destination.iterdir()
    return built


def test_the_wheel_made_from_the_sdist_holds_every_module(tmp_path: Path) -> None:
    sdist = build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    wheel = build(unpacked, "wheel", tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("chiplog/")}
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "chiplog").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == wanted
    assert "chiplog/py.typed" in packed


@pytest.mark.parametrize("room", ["core", "hooks", "integrations", "store"])
def test_the_rooms_at_the_root_are_links_and_nothing_rests_on_them(room: str) -> None:
    link = ROOT / room
    if link.is_symlink():
        assert link.resolve() == ROOT / "src" / "chiplog" / room
    assert (ROOT / "src" / "chiplog" / room / "__init__.py").is_file()


def test_what_ships_is_installed_under_the_entry_points_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"]["chiplog"]
    installed = {
        entry.name: entry.value
        for entry in metadata.entry_points(group="chiplog")
        if entry.dist is not None and entry.dist.name == "chiplog"
    }
    assert installed == declared


def test_no_dependency_has_an_upper_cap() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [need for need in project["dependencies"] if "<" in need or "==" in need]
