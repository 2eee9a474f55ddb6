"""A project for each test, with TensorBoard's writers watched as the test wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chiplog.testing.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture
def autolog(project: Project) -> Callable[..., None]:
    """``chiplog.tensorboard.autolog``; ``own_project`` switches it off again."""
    from chiplog.core.autolog.engine import flavor_autolog

    return flavor_autolog("tensorboard")
