"""``--chiplog-certify``: what it takes, and what it says when something is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chiplog.cli.plugins.scaffold import plan, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin's sources, with metadata beside them as an installer writes it."""
    folder = tmp_path_factory.mktemp("plugin")
    write(plan("knots", with_flavor=True), folder)
    info = folder / "src" / "chiplog_knots-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: chiplog-knots\nVersion: 0.1.0\nRequires-Dist: chiplog\n"
    )
    (info / "entry_points.txt").write_text("[chiplog]\nknots = chiplog_knots\n")
    return folder


@pytest.fixture
def run(plugin: Path) -> Run:
    """Run ``chiplog`` with the plugin installed."""

    def run(*arguments: str, folder: Path = plugin) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHIPLOG_", "MLFLOW_"))}
        path = os.pathsep.join([str(plugin / "src"), *filter(None, [clean.get("PYTHONPATH")])])
        return subprocess.run(
            [sys.executable, "-m", "chiplog", *arguments],
            cwd=folder,
            env={**clean, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_what_has_no_tests_is_not_certified_and_the_lines_to_add_are_shown(run: Run) -> None:
    done = run("plugins", "certify", "knots", "tests/test_plugin.py")
    assert done.returncode == 1
    assert "    ok  plugin: 9 passed" in done.stdout
    assert "not ok  integration knots: there are no tests of it" in done.stdout
    assert "class TestKnotsFlavor(FlavorKit):" in done.stdout
    assert "    flavor = 'knots'" in done.stdout
    assert "'knots' is not certified" in done.stdout


def test_a_test_of_the_kit_that_was_overridden_or_left_out_is_named(run: Run, plugin: Path) -> None:
    overriding = plugin / "tests" / "test_overriding.py"
    overriding.write_text(
        "from chiplog.testing import PluginKit\n"
        "class TestPlugin(PluginKit):\n"
        "    plugin = 'knots'\n"
        "    def test_its_flavors_are_complete(self):\n"
        "        pass\n"
    )
    done = run("plugins", "certify", "knots", str(overriding))
    overriding.unlink()
    assert done.returncode == 1
    assert "not ok  plugin: overrides test_its_flavors_are_complete" in done.stdout
    done = run("plugins", "certify", "knots", "tests/test_plugin.py::TestPlugin")
    assert done.returncode == 2, "a path that click does not know"


def test_without_tests_what_every_plugin_has_is_tried(run: Run, tmp_path: Path) -> None:
    done = run("plugins", "certify", "knots", folder=tmp_path)
    assert done.returncode == 1
    assert "only what every plugin has is tried" in done.stdout
    assert "    ok  plugin: 9 passed" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_plugin_that_is_not_there_is_said_so(run: Run, tmp_path: Path) -> None:
    done = run("plugins", "certify", "nodes", folder=tmp_path)
    assert done.returncode == 1
    assert "There is no plugin 'nodes' here; there are" in done.stderr
    assert "pip install -e ." in done.stderr
