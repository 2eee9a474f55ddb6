"""``chiplog artifacts``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


def test_list_prints_what_mlflow_prints(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    files = json.loads(chiplog("artifacts", "list", "-r", voyages["first"]).stdout)
    assert {"path": "notes", "is_dir": True, "file_size": None} in files
    inside = json.loads(chiplog("artifacts", "list", "-r", "first", "-a", "notes").stdout)
    assert inside == [{"path": "notes/hello.txt", "is_dir": False, "file_size": 5}]
    everything = json.loads(chiplog("artifacts", "list", "first", "-R").stdout)
    assert {"config.json", "notes", "notes/hello.txt"} <= {file["path"] for file in everything}


def test_show_prints_a_file_byte_by_byte(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    assert chiplog("artifacts", "show", "first", "notes/hello.txt").stdout_bytes == b"hello"


def test_show_of_what_is_not_there_names_it(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    assert "nothing.txt" in chiplog("artifacts", "show", "first", "nothing.txt", code=1).stderr


def test_a_path_cannot_leave_the_runs_files(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    for arguments in (
        ("show", "first", "../../x"),
        ("download", "-r", "first", "-a", "../../x"),
        ("list", "-r", "first", "-a", "../.."),
    ):
        chiplog("artifacts", *arguments, code=1)


def test_download_prints_where_the_files_lie(
    chiplog: Callable[..., Result], voyages: dict[str, str], project: Path
) -> None:
    there = chiplog("artifacts", "download", "-r", "first", "-d", "out", "-a", "notes").stdout
    assert (Path(there.strip()) / "hello.txt").read_text() == "hello"
    assert Path(there.strip()).is_relative_to(project / "out")
    whole = chiplog("artifacts", "download", "first").stdout.strip()
    assert (Path(whole) / "notes" / "hello.txt").read_text() == "hello"


def test_download_needs_a_run_or_a_uri(chiplog: Callable[..., Result]) -> None:
    assert "--artifact-uri" in chiplog("artifacts", "download", code=2).stderr


def test_files_and_folders_are_stored(
    chiplog: Callable[..., Result], voyages: dict[str, str], project: Path
) -> None:
    (project / "stuff" / "deep").mkdir(parents=True)
    (project / "stuff" / "deep" / "a.txt").write_text("A")
    (project / "b.txt").write_text("B")
    chiplog("artifacts", "log-artifact", "-l", "b.txt", "-r", "second", "-a", "sub")
    chiplog("artifacts", "log-artifacts", "-l", "stuff", "-r", "second")
    assert chiplog("artifacts", "show", "second", "sub/b.txt").stdout == "B"
    assert chiplog("artifacts", "show", "second", "deep/a.txt").stdout == "A"


def test_a_file_that_is_not_there_is_a_usage_error(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    chiplog("artifacts", "log-artifact", "-l", "none.txt", "-r", "second", code=2)
