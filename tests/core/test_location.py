"""Where things lie, whatever the working directory is later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import chiplog
from chiplog.core.location import journal_directory, normalise

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_path_with_signs_that_a_uri_encodes_stays_that_path(project: Path) -> None:
    folder = project / "my runs #1"
    folder.mkdir()
    chiplog.set_tracking_uri(folder)
    with chiplog.start_run():
        pass
    assert (folder / ".chiplog" / "chiplog.db").is_file()
    assert [path.name for path in project.iterdir()] == ["my runs #1"]


def test_a_file_uri_and_its_path_are_one_place(tmp_path: Path) -> None:
    folder = tmp_path / "ü 100%"
    folder.mkdir()
    assert normalise(folder.as_uri()) == normalise(str(folder))


def test_a_relative_journal_folder_stays_where_it_was_first_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPLOG_JOURNAL_DIR", "journals")
    folder = journal_directory()
    monkeypatch.chdir("/")
    assert folder == tmp_path / "journals"
