"""A project for each test, data that scikit-learn carries, and models fitted on it once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chiplog.testing.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


@dataclass(frozen=True)
class Fitted:
    """A model, and data that it was not fitted on.

    Attributes:
        frame: the features and the column ``target``.
    """

    model: Any
    frame: Any

    @property
    def X(self) -> Any:  # noqa: N802 - the field's name
        return self.frame.drop(columns="target")

    @property
    def y(self) -> Any:
        return self.frame["target"].to_numpy()


def _fitted(model: Any, data: Any, target: Any = None) -> Fitted:
    frame = data.data.iloc[:, :4].assign(target=data.target if target is None else target)
    model.fit(frame[::2].drop(columns="target"), frame["target"][::2])
    return Fitted(model, frame[1::2].reset_index(drop=True))


@pytest.fixture(scope="session")
def binary() -> Fitted:
    """Two classes, 0 and 1."""
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.naive_bayes import GaussianNB

    return _fitted(GaussianNB(), datasets.load_breast_cancer(as_frame=True))


@pytest.fixture(scope="session")
def three() -> Fitted:
    """Three classes, as texts."""
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.naive_bayes import GaussianNB

    wine = datasets.load_wine(as_frame=True)
    return _fitted(GaussianNB(), wine, wine.target_names[wine.target])


@pytest.fixture(scope="session")
def regression() -> Fitted:
    """One number."""
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.linear_model import LinearRegression

    return _fitted(LinearRegression(), datasets.load_diabetes(as_frame=True))
