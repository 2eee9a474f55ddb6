"""Fixtures for every test: a project folder of its own, a clean environment, strict errors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise chiplog's own errors, and let nothing from outside steer a test."""
    for name in list(os.environ):
        if name.startswith(("CHIPLOG_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CHIPLOG_STRICT", "1")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory as the working directory, with nothing of another test's left open."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
