"""A project for each test, and a little data."""

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
    """``chiplog.statsmodels.autolog``; ``own_project`` switches it off again."""
    from chiplog.core.autolog.engine import flavor_autolog

    return flavor_autolog("statsmodels")


@pytest.fixture(scope="session")
def frame() -> Any:
    """Forty rows: two columns of numbers, one of text, and a target."""
    import pandas as pd

    random = np.random.RandomState(0)
    data = pd.DataFrame(random.normal(size=(40, 2)), columns=["a", "b"])
    data["kind"] = np.where(random.normal(size=40) > 0, "up", "down")
    data["y"] = data["a"] - 2 * data["b"] + random.normal(size=40)
    return data
