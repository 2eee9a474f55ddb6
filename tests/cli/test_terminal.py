"""In a terminal: what fits, what is coloured, what is cut."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chiplog.cli.render.text import width_of

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-7]|9[0-7])[;m]")
PAGES: list[tuple[str, ...]] = [
    ("runs", "list"),
    ("runs", "list", "--children"),
    ("runs", "show", "first"),
    ("runs", "show", "lost"),
    ("runs", "compare", "first", "second", "search", "lost"),
    ("experiments", "list"),
    ("experiments", "get", "-x", "1"),
    ("artifacts", "list", "first", "-R"),
    ("plugins",),
    ("doctor",),
    ("explain", "first"),
    ("runs", "show", "an unknown run with a rather long name, too long for one line of it"),
]
EACH = """
import contextlib, sys
from chiplog.core.cli import program
for arguments in PAGES:
    print("\\f", end="", flush=True)
    with contextlib.suppress(SystemExit):
        program.main(list(arguments), prog_name="chiplog")
"""


def in_a_terminal(
    *arguments: str,
    program: str = "chiplog",
    columns: int = 80,
    environment: dict[str, str] | None = None,
) -> str:
    """What ``chiplog ARGUMENTS`` writes to a terminal of that many columns."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    settings = {
        **os.environ,
        "TERM": "xterm-256color",
        "PYTHONIOENCODING": "utf-8",
        **(environment or {}),
    }
    settings.pop("COLUMNS", None)
    process = subprocess.Popen(
        [sys.executable, *(("-m", program) if program else ()), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=settings,
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while chunk := os.read(ours, 65536):
            written += chunk
    os.close(ours)
    process.wait(timeout=60)
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 60])
def test_everything_fits(columns: int, voyages: dict[str, str]) -> None:
    text = in_a_terminal("-c", EACH.replace("PAGES", repr(PAGES)), program="", columns=columns)
    _, *pages = ESCAPE.sub("", text).split("\f")
    assert len(pages) == len(PAGES)
    unbroken = ("/", "sqlite:///")  # paths are not cut: they are there to be copied
    for arguments, page in zip(PAGES, pages, strict=True):
        assert page.strip(), arguments
        for line in page.splitlines():
            if not any(mark in line for mark in unbroken):
                assert width_of(line) <= columns, (arguments, line)


def test_colours_are_for_terminals_that_want_them(voyages: dict[str, str]) -> None:
    pages = [("runs", "list"), ("runs", "show", "nothing"), ("runs", "list", "--json")]

    def shown(environment: dict[str, str] | None = None) -> list[str]:
        code = EACH.replace("PAGES", repr(pages))
        return in_a_terminal("-c", code, program="", environment=environment).split("\f")[1:]

    table, error, document = shown()
    assert COLOUR.search(table)
    assert COLOUR.search(error)
    assert "\x1b" not in document
    assert not COLOUR.search("".join(shown({"NO_COLOR": "1"})))
    assert "\x1b" not in shown({"TERM": "dumb"})[0]


def test_ids_are_short_for_people_and_whole_for_pipes(voyages: dict[str, str]) -> None:
    shown = in_a_terminal("runs", "list")
    assert voyages["first"][:8] in shown
    assert voyages["first"] not in shown
    piped = subprocess.run(
        [sys.executable, "-m", "chiplog", "runs", "list"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert voyages["first"] in piped.stdout


def test_what_is_not_text_is_not_poured_into_a_terminal(
    voyages: dict[str, str], project: Path
) -> None:
    import chiplog

    (project / "picture.bin").write_bytes(b"\x00\x1b[2J\x00")
    with chiplog.start_run(run_id=voyages["first"]):
        chiplog.log_artifact("picture.bin")
    text = in_a_terminal("artifacts", "show", "first", "picture.bin")
    assert "is not text" in text
    assert "\x1b[2J" not in text


def test_a_run_cannot_steer_the_terminal_by_its_name(project: Path) -> None:
    import chiplog

    with chiplog.start_run(run_name="evil\x1b[2J\x07name", tags={"a": "\x1b]0;title\x07"}) as run:
        chiplog.log_param("p", "\x1b[31m")
    for arguments in (("runs", "list"), ("runs", "show", run.info.run_id)):
        text = in_a_terminal(*arguments)
        assert "\x1b[2J" not in text
        assert "\x1b]0;" not in text
        assert "\x07" not in text


def test_a_narrow_terminal_leaves_columns_out_and_names_them(voyages: dict[str, str]) -> None:
    import chiplog

    with chiplog.start_run(run_id=voyages["first"]):
        chiplog.log_metrics({f"a_rather_long_metric_{n}": 0.123456 for n in range(9)})
    text = ESCAPE.sub("", in_a_terminal("runs", "list", columns=60))
    assert "Not shown for lack of room" in text
    assert "Not shown" not in ESCAPE.sub("", in_a_terminal("runs", "list", columns=200))
