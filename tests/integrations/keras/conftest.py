"""Keras on TensorFlow with one thread, a project for each test, and autologging as it wants it."""

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
    """``chiplog.keras.autolog``; ``own_project`` switches it off again."""
    from chiplog.core.autolog.engine import flavor_autolog

    function = flavor_autolog("keras")

    def switch_on(**options: Any) -> None:
        function(**options)

    return switch_on


@pytest.fixture
def data() -> tuple[Any, Any]:
    """Forty points of two classes."""
    generator = np.random.RandomState(0)
    X = generator.normal(size=(40, 3)).astype("float32")
    return X, (X[:, 0] > 0).astype("int64")


@pytest.fixture
def make_model() -> Callable[..., Any]:
    """Makes a small compiled classifier; the same at each call."""
    import keras

    def make(optimizer: Any = "sgd", **compiled: Any) -> Any:
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [
                keras.Input((3,), name="features"),
                keras.layers.Dropout(0.1, name="dropout"),
                keras.layers.Dense(2, activation="softmax", name="dense"),
            ],
            name="classifier",
        )
        settings = {"run_eagerly": True, "metrics": ["accuracy"], **compiled}
        model.compile(optimizer, "sparse_categorical_crossentropy", **settings)
        return model

    return make
