"""What models of one's own leave behind in a process, put back after each test."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from chiplog.core import alias

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _mlflow_is_what_it_was() -> Iterator[None]:
    """Scripts import mlflow, which is chiplog from then on where MLflow is not installed."""
    was_there = bool(alias._installed)
    path = list(sys.path)
    yield
    sys.path[:] = path
    if alias._installed and not was_there:
        sys.meta_path.remove(alias._installed.pop())
        alias._taken_out()
