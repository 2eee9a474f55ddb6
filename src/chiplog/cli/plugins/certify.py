"""``chiplog plugins certify``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_PYTEST_PLUGIN = "chiplog.testing.pytest_plugin"

_GENERAL = """
from chiplog.testing import PluginKit


class TestPlugin(PluginKit):
    plugin = {name!r}
"""


@click.command("certify")
@click.argument("name")
@click.argument("tests", nargs=-1, type=click.Path(exists=True, path_type=Path))
def command(name: str, tests: tuple[Path, ...]) -> None:
    """Say whether the plugin NAME passes the whole of chiplog's conformance kit.

    TESTS are the plugin's tests, files or folders; ./tests unless given. Without any, only what
    can be tried of every plugin is. Exits with 0 if it is certified.
    """
    from chiplog.core.errors import MissingLibrary

    if find_spec("pytest") is None:
        raise MissingLibrary(
            "Certifying a plugin runs its tests, and pytest is not installed.\n"
            "    pip install pytest"
        )
    _check_known(name)
    if not tests and Path("tests").is_dir():
        tests = (Path("tests"),)
    with tempfile.TemporaryDirectory(prefix="chiplog-certify-") as folder:
        if not tests:
            click.echo("There is no folder 'tests' here: only what every plugin has is tried.")
            general = Path(folder) / "test_plugin.py"
            general.write_text(_GENERAL.format(name=name), encoding="utf-8")
            tests = (general,)
        done = subprocess.run(_command_line(name, tests), check=False)
    sys.exit(done.returncode)


def _command_line(name: str, tests: Sequence[Path]) -> list[str]:
    registered = {entry.value for entry in metadata.entry_points(group="pytest11")}
    by_hand = [] if _PYTEST_PLUGIN in registered else ["-p", _PYTEST_PLUGIN]
    return [
        *(sys.executable, "-m", "pytest", "-q", *by_hand),
        *("--chiplog-certify", name, *map(str, tests)),
    ]


def _check_known(name: str) -> None:
    """Raise NotFound if no plugin has that name."""
    from chiplog.core.errors import NotFound
    from chiplog.hooks.manager import plugins

    known = sorted(info.name for info in plugins().infos)
    if name not in known:
        raise NotFound(
            f"There is no plugin {name!r} here; there are {', '.join(known)}. If it is yours, "
            "install it first: pip install -e ."
        )
