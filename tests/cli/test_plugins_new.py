"""``chiplog plugins new``: names, places, and what is written. docs/plugins.md's test tries it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def test_a_whole_distribution_is_written_and_what_to_type_next_is_said(
    chiplog: Callable[..., Result], project: Path
) -> None:
    said = chiplog("plugins", "new", "my-frame").stdout
    folder = project / "chiplog-my-frame"
    settings = tomllib.loads((folder / "pyproject.toml").read_text())
    assert settings["project"]["name"] == "chiplog-my-frame"
    assert settings["project"]["entry-points"]["chiplog"] == {"my_frame": "chiplog_my_frame"}
    assert (folder / "src" / "chiplog_my_frame" / "py.typed").read_text() == ""
    assert (folder / ".gitignore").is_file()
    assert "chiplog plugins certify my_frame" in said
    assert "src/chiplog_my_frame/integration.py" in said
    texts = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    assert [text for text in texts if "$" in text or "\n%" in text] == []


@pytest.mark.parametrize("flavor", ["--flavor", "--no-flavor"])
def test_what_is_written_is_clean(
    chiplog: Callable[..., Result], project: Path, flavor: str
) -> None:
    chiplog("plugins", "new", "knots", "--directory", "here", flavor)
    assert (project / "here" / "src" / "chiplog_knots" / "flavor.py").exists() == (
        flavor == "--flavor"
    )
    for tool in (("check",), ("format", "--check")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *tool],
            cwd=project / "here",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_a_plugin_without_a_flavor_is_typed_and_records(
    chiplog: Callable[..., Result], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chiplog("plugins", "new", "knots", "--directory", "here", "--no-flavor")
    done = subprocess.run(
        [sys.executable, "-m", "mypy"],
        cwd=project / "here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    info = project / "here" / "src" / "chiplog_knots-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: chiplog-knots\nVersion: 0.1.0\nRequires-Dist: chiplog\n"
    )
    (info / "entry_points.txt").write_text("[chiplog]\nknots = chiplog_knots\n")
    monkeypatch.syspath_prepend(str(info.parent))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    wanted = "every_epoch or TestPlugin or to_the_bit or very_same"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", wanted],
        cwd=project / "here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "12 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("My Frame", "cannot be a plugin's name"),
        ("1st", "cannot be a plugin's name"),
        ("class", "cannot be a plugin's name"),
        ("../up", "cannot be a plugin's name"),
        ("ümlaut", "cannot be a plugin's name"),
        ("", "cannot be a plugin's name"),
        ("a__b", "cannot be a plugin's name"),
        ("sklearn", "is taken: it is a plugin of chiplog"),
        ("entities", "is taken: chiplog.entities is a module of chiplog's"),
        ("core", "is taken"),
    ],
)
def test_a_name_that_will_not_do_is_refused_with_the_reason(
    chiplog: Callable[..., Result], project: Path, name: str, reason: str
) -> None:
    result = chiplog("plugins", "new", name, code=1)
    assert reason in result.stderr
    assert list(project.iterdir()) == []


def test_nothing_is_overwritten(chiplog: Callable[..., Result], project: Path) -> None:
    (project / "chiplog-knots").mkdir()
    mine = project / "chiplog-knots" / "mine.txt"
    mine.write_text("mine")
    result = chiplog("plugins", "new", "knots", code=1)
    assert "is there already, and nothing in it is overwritten" in result.stderr
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]
    (project / "file").write_text("")
    chiplog("plugins", "new", "knots", "--directory", "file", code=2)


def test_the_prefix_of_the_distribution_may_be_typed(
    chiplog: Callable[..., Result], project: Path
) -> None:
    chiplog("plugins", "new", "chiplog-knots")
    assert (project / "chiplog-knots" / "src" / "chiplog_knots").is_dir()


def test_the_list_has_a_name_of_its_own(chiplog: Callable[..., Result]) -> None:
    assert chiplog("plugins", "list").stdout == chiplog("plugins").stdout
