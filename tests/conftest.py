"""Fixtures for every test: a project folder of its own, a clean environment, strict errors."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# One thread for each process: what the tests train is small, and threads that wait for the next
# piece of work take the cores from the other workers' tests. Frameworks read this as they load.
for _name in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
):
    os.environ.setdefault(_name, "1")

# Hundreds of processes are started: they keep what they compile of chiplog, as at a user's.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Of a file whose every test needs a framework.
_OF_A_FRAMEWORK = re.compile(r"^pytestmark = (\[[^\]]*)?pytest\.mark\.framework\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the tests of frameworks, leave their files unread: they import the frameworks."""
    if config.option.markexpr != "not framework" or collection_path.suffix != ".py":
        return None
    return True if _OF_A_FRAMEWORK.search(collection_path.read_text(encoding="utf-8")) else None


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
