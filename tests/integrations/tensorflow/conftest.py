"""TensorFlow with one thread, a project for each test, and autologging as it wants it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chiplog.testing.project import Project

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """TensorFlow's threads can be set until it is first used."""
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.threading.set_intra_op_parallelism_threads(1)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture
def autolog(project: Project) -> Callable[..., None]:
    """``chiplog.tensorflow.autolog``; ``own_project`` switches it off again."""
    from chiplog.core.autolog.engine import flavor_autolog

    function = flavor_autolog("tensorflow")

    def switch_on(**options: Any) -> None:
        function(**options)

    return switch_on


@pytest.fixture
def batches() -> list[tuple[Any, Any]]:
    """Four batches of ten points."""
    generator = np.random.RandomState(0)
    X = generator.normal(size=(40, 3)).astype("float32")
    y = X.sum(axis=1, keepdims=True)
    return [(X[start : start + 10], y[start : start + 10]) for start in range(0, 40, 10)]
