"""Files of environment variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chiplog.core.envfile import read_env_file
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A = spaced out  # comment", "spaced out"),
        ("export A=exported", "exported"),
        ("A=no#comment", "no#comment"),
        ("A='single # quoted $x \\n'", "single # quoted $x \\n"),
        ('A="double\\n\\"quoted\\""  # comment', 'double\n"quoted"'),
        ("A=", ""),
        ("A=a=b", "a=b"),
    ],
)
def test_lines_read_as_a_shell_reads_them(line: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "x.env"
    file.write_text(f"# first\n\n{line}\n", encoding="utf-8")
    assert read_env_file(file) == {"A": value}


@pytest.mark.parametrize("line", ["just words", "1A=x", "A='open", 'A="open\\"'])
def test_what_is_no_assignment_is_refused(line: str, tmp_path: Path) -> None:
    file = tmp_path / "x.env"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(InvalidValue):
        read_env_file(file)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "x.env"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidValue, match=r"x\.env"):
        read_env_file(file)
