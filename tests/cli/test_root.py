"""The root of the program: options, errors, exit codes, and how fast it is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import click
import pytest

from chiplog.core.cli import program
from chiplog.core.errors import NotFound
from chiplog.hooks import hookimpl
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

HEAVY = {"rich", "numpy", "sqlalchemy", "alembic", "sklearn", "pandas", "psutil", "pcodec", "yaml"}


def run_program(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "chiplog", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )


class Extra:
    """A plugin whose commands fail in every way there is."""

    @hookimpl
    def chiplog_cli(self, group: click.Group) -> None:
        @group.command("fail")
        @click.argument("how")
        def fail(how: str) -> None:
            """Fail."""
            errors: dict[str, Any] = {
                "ours": NotFound("There is no such thing.\nTry another one."),
                "bug": ZeroDivisionError("division by zero"),
                "system": PermissionError(13, "Permission denied", "/locked"),
                "interrupt": KeyboardInterrupt(),
                "exit": SystemExit(7),
            }
            raise errors[how]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command ``fail``, of a plugin, while the test runs."""
    manager = plugins()
    monkeypatch.setattr(program, "_filled", False)
    manager.add(Extra(), "extra")
    yield
    manager.remove("extra")
    program.commands.pop("fail", None)


def test_help_names_the_commands_and_shows_how_to_begin(chiplog: Callable[..., Result]) -> None:
    text = chiplog("--help").output
    for name in ("demo", "runs", "experiments", "artifacts", "plugins", "where", "doctor", "exec"):
        assert f"  {name} " in text
    assert "chiplog.autolog()" in text


def test_every_command_has_a_help_of_its_own(chiplog: Callable[..., Result]) -> None:
    def names(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield (*above, name)
            if isinstance(command, click.Group):
                yield from names(command, (*above, name))

    found = list(names(program, ()))
    assert len(found) > 30
    for name in found:
        text = chiplog(*name, "--help").output
        assert f"Usage: chiplog {' '.join(name)}" in text
        assert all(len(line) <= 80 for line in text.splitlines()), name


def test_version_is_the_distributions(chiplog: Callable[..., Result]) -> None:
    from importlib.metadata import version

    assert chiplog("--version").output == f"chiplog {version('chiplog')}\n"


def test_python_m_chiplog_is_the_same_program() -> None:
    assert run_program("--version").stdout.startswith("chiplog ")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from chiplog.core.cli import program; "
        "program.main(['--help'], standalone_mode=False); "
        f"print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "HEAVY []"


def test_an_error_of_ours_is_one_line_with_advice_and_exit_code_1(
    chiplog: Callable[..., Result], failing: None
) -> None:
    result = chiplog("fail", "ours", code=1)
    assert result.stderr == "Error: There is no such thing.\n  Try another one.\n"
    assert result.stdout == ""


def test_debug_shows_the_traceback(chiplog: Callable[..., Result], failing: None) -> None:
    result = chiplog("--debug", "fail", "ours", code=1)
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.rstrip().endswith("Try another one.")


def test_a_mistake_of_ours_is_admitted(
    chiplog: Callable[..., Result], failing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHIPLOG_STRICT")
    result = chiplog("fail", "bug", code=1)
    assert result.stderr.startswith("Error: ZeroDivisionError: division by zero\n")
    assert "chiplog --debug" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_systems_error_names_the_file(chiplog: Callable[..., Result], failing: None) -> None:
    assert chiplog("fail", "system", code=1).stderr == "Error: Permission denied: '/locked'\n"


def test_ctrl_c_is_one_word_and_130(chiplog: Callable[..., Result], failing: None) -> None:
    assert chiplog("fail", "interrupt", code=130).stderr == "Interrupted.\n"


def test_a_commands_own_exit_code_is_kept(chiplog: Callable[..., Result], failing: None) -> None:
    chiplog("fail", "exit", code=7)


def test_a_wrong_option_is_a_usage_error(chiplog: Callable[..., Result]) -> None:
    result = chiplog("runs", "list", "--colour", code=2)
    assert "No such option" in result.stderr


def test_a_wrong_command_is_a_usage_error(chiplog: Callable[..., Result]) -> None:
    assert "No such command 'rums'" in chiplog("rums", code=2).stderr


def test_an_env_file_sets_variables_that_are_not_set(
    chiplog: Callable[..., Result], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_EXPERIMENT_NAME", "mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # monkeypatch takes it away afterwards
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    file = project / "settings.env"
    file.write_text(
        "# where\nexport MLFLOW_TRACKING_URI='sqlite:///other.db' # here\n"
        "CHIPLOG_EXPERIMENT_NAME=theirs\n"
    )
    text = chiplog("--env-file", str(file), "where").output
    assert f"sqlite:///{project}/other.db" in text
    assert "mine (environment variable CHIPLOG_EXPERIMENT_NAME)" in text


def test_a_broken_env_file_is_told_with_its_line(
    chiplog: Callable[..., Result], project: Path
) -> None:
    file = project / "settings.env"
    file.write_text("A=1\nthis is nothing\n")
    result = chiplog("--env-file", str(file), "where", code=2)
    assert "Line 2" in result.stderr
    assert "'this is nothing'" in result.stderr


def test_a_closed_pipe_ends_the_program_in_silence(project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "chiplog", "--help"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert answer.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_in_a_terminal_shows_no_traceback(project: Path) -> None:
    code = (
        "import signal, sys, time, click\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background\n"
        "from chiplog.core.cli import main, program\n"
        "@program.command('wait')\n"
        "def wait():\n"
        "    print('up', flush=True)\n"
        "    time.sleep(60)\n"
        "main(['wait'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "Interrupted.\n"


def test_pipes_get_no_escapes_and_ascii_where_that_is_all_there_is(project: Path) -> None:
    """Escapes are for terminals; a stream that cannot show a tick gets a plus."""
    code = (
        "import contextlib\n"
        "from chiplog.core.cli import main\n"
        "for arguments in (['where'], ['plugins'], ['doctor'], ['runs', 'list']):\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main(arguments)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert b"All is well." in answer.stdout
    assert b"\x1b" not in answer.stdout + answer.stderr
    assert (answer.stdout + answer.stderr).isascii()
    assert b"\\u" not in answer.stdout
