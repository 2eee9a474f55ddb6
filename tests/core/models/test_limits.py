"""Archives that unfold to a multiple of their size, or lead out of themselves, are not read."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from chiplog.core.errors import DamagedModel
from chiplog.core.models import limits

if TYPE_CHECKING:
    from pathlib import Path


def archive(*entries: tuple[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content, compresslevel=1)
    return file


def test_an_archive_of_blanks_is_refused_and_can_be_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = archive(("a", b" " * (70 << 20)))
    with pytest.raises(DamagedModel, match=r"unfold to 73400320.*CHIPLOG_MODEL_MAX_EXPANSION"):
        limits.check_stream(file, "m")
    monkeypatch.setenv("CHIPLOG_MODEL_MAX_EXPANSION", "100000")
    limits.check_stream(file, "m")
    assert file.tell() == 0


def test_a_small_archive_may_unfold_as_it_likes() -> None:
    limits.check_stream(archive(("a", b" " * (1 << 20))), "m")


def test_entries_without_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive(*((f"{number}", b"") for number in range(6)))
    limits.check_stream(file, "m")
    monkeypatch.setenv("CHIPLOG_MODEL_MAX_ENTRIES", "5")
    with pytest.raises(DamagedModel, match=r"6 entries, and 5.*CHIPLOG_MODEL_MAX_ENTRIES"):
        limits.check_stream(file, "m")


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "C:/a", "..\\a", "a\\..\\b"])
def test_entries_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(DamagedModel, match="leads out of it"):
        limits.check_stream(archive((name, b"")), "m")


def test_what_is_no_archive_passes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no archive")
    limits.check_zip(tmp_path / "a")


def test_a_damaged_archive_is_refused() -> None:
    data = archive(("a", b"a" * 100)).getvalue()
    broken = data.replace(b"PK\x01\x02", b"PK\x09\x09")
    with pytest.raises(DamagedModel, match="no readable archive"):
        limits.check_stream(io.BytesIO(broken), "m")
