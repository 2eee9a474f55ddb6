"""Fixtures for every test: a project folder of its own, a clean environment, strict errors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Raise chiplog's own errors, and let nothing from outside or of another test steer a test."""
    before = {name: os.environ[name] for name in _own_variables()}
    for name in before:
        del os.environ[name]
    monkeypatch.setenv("CHIPLOG_STRICT", "1")
    yield
    for name in _own_variables():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory as the working directory, with nothing of another test's left open."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    from chiplog.core.runs.reset import reset_process

    reset_process()


def _own_variables() -> list[str]:
    return [name for name in os.environ if name.startswith(("CHIPLOG_", "MLFLOW_"))]
