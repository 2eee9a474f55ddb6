"""The pytest plugin that comes with chiplog: fixtures, and the certification of plugins.

Found by its entry point in the group ``pytest11``. Until a fixture or ``--chiplog-certify`` is used
it imports nothing.

Fixtures:
    chiplog_project: an empty project as the working directory, and what was recorded in it.
    chiplog_strict: chiplog's own errors are raised rather than warned of.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chiplog.testing.project import Project

_KITS = ("artifact_kit", "flavor_kit", "integration_kit", "plugin_kit", "project", "store_kit")
for _kit in _KITS:
    if f"chiplog.testing.{_kit}" not in sys.modules:
        # A failing assertion in an inherited test shows its values, as the author's own does.
        pytest.register_assert_rewrite(f"chiplog.testing.{_kit}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--chiplog-certify``."""
    parser.getgroup("chiplog").addoption(
        "--chiplog-certify",
        metavar="PLUGIN",
        help="say at the end whether this plugin passes the whole of chiplog's conformance kit",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the tests if a plugin is to be certified."""
    name = config.getoption("--chiplog-certify")
    if name:
        from chiplog.testing.certification import Certification

        config.pluginmanager.register(Certification(name), "chiplog-certification")


@pytest.fixture
def chiplog_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project as the working directory: nothing is recorded anywhere else.

    Hands back what was recorded: ``chiplog_project.runs()``. Environment variables of chiplog's
    and MLflow's are unset, and autologging is off before and after the test.
    """
    from chiplog.testing.project import own_project

    strict = os.environ.get("CHIPLOG_STRICT")
    for name in list(os.environ):
        if name.startswith(("CHIPLOG_", "MLFLOW_")):
            monkeypatch.delenv(name)
    if strict is not None:
        monkeypatch.setenv("CHIPLOG_STRICT", strict)
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture
def chiplog_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chiplog's own errors are raised, once the user's call is over; else they are warnings."""
    monkeypatch.setenv("CHIPLOG_STRICT", "1")
