"""The made-up framework, and an integration that records it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import engine
from chiplog.hooks import guard
from chiplog.hooks.manager import plugins
from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.testing.project import Project

MADE_UP = Path(__file__).parents[2] / "made_up"


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tinyframe"]:
        del sys.modules[name]


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The made-up framework can be imported, and is not yet."""
    _forget()
    plugins()  # discovers before the path changes: here the integration is added by hand
    monkeypatch.syspath_prepend(str(MADE_UP))
    yield MADE_UP
    _forget()


@pytest.fixture
def tinyframe(made_up: Path) -> Any:
    """The made-up framework."""
    return importlib.import_module("tinyframe")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture
def tiny(made_up: Path, project: Project) -> Iterator[Any]:
    """The made-up framework, with its integration among the plugins."""
    plugins().add(importlib.import_module("chiplog_tinyframe"), "tiny")
    engine.reset()
    yield importlib.import_module("tinyframe")
    engine.reset()
    plugins().remove("tiny")


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a user's: chiplog's own errors are warnings, none of which was said before."""
    monkeypatch.delenv("CHIPLOG_STRICT")
    monkeypatch.setattr(guard, "_seen", set())
