"""The made-up framework, imported afresh for each test."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

MADE_UP = Path(__file__).parents[1] / "made_up"


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tinyframe"]:
        del sys.modules[name]


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The made-up framework can be imported, and is not yet."""
    _forget()
    monkeypatch.syspath_prepend(str(MADE_UP))
    yield MADE_UP
    _forget()


@pytest.fixture
def tinyframe(made_up: Path) -> Any:
    """The made-up framework."""
    return importlib.import_module("tinyframe")
