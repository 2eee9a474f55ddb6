"""A project for each test, with XGBoost's autologging as the test wants it, and small data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
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
    """``chiplog.xgboost.autolog``; ``own_project`` switches it off again."""
    from chiplog.core.autolog.engine import flavor_autolog

    return flavor_autolog("xgboost")


@pytest.fixture(scope="session")
def data() -> Any:
    """Eighty points of two classes, three features."""
    generator = np.random.RandomState(0)
    X = generator.normal(size=(80, 3))
    return X, (X[:, 0] + generator.normal(size=80) > 0).astype(int)
