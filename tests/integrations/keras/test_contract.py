"""Keras passes the kit that every integration passes."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.testing.integration_kit import IntegrationKit

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# Keras asks numpy for arrays in a way that numpy 2 calls old; in the kit's own processes, too.
OLD = "__array__ implementation"
warnings.filterwarnings("ignore", OLD, DeprecationWarning)

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings(f"ignore:{OLD}:DeprecationWarning"),
]

pytest.importorskip("keras")


class TestKeras(IntegrationKit):
    """A small classifier with dropout, which draws random numbers; eager, since tracing is slow."""

    integration = "keras"

    def tag(self) -> str:
        """Its own name, when it was switched on under that."""
        return "keras"

    def seed(self) -> None:
        """Keras's generators, too."""
        import keras

        super().seed()
        keras.utils.set_random_seed(7)

    def make_data(self) -> Any:
        """Sixteen points of two classes."""
        generator = np.random.RandomState(0)
        X = generator.normal(size=(16, 3)).astype("float32")
        return X, (X[:, 0] > 0).astype("int64")

    def make_model(self) -> Any:
        """A compiled model whose layers have names of their own."""
        import keras

        model = keras.Sequential(
            [
                keras.Input((3,), name="features"),
                keras.layers.Dropout(0.1, seed=5, name="dropout"),
                keras.layers.Dense(
                    2, kernel_initializer=keras.initializers.GlorotUniform(seed=5), name="dense"
                ),
            ],
            name="classifier",
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
        return model

    def train_on(self, data: Any) -> Any:
        """Fit for one epoch of two batches, shuffled by the global generator."""
        model = self.make_model()
        model.fit(*data, batch_size=8, epochs=1, verbose=0)
        return model

    def outcome(self, trained: Any) -> Any:
        """The weights to the bit."""
        return [weight.tobytes() for weight in trained.get_weights()]

    def train_nested(self, data: Any) -> Any:
        """Search over a model in scikit-learn's clothes; the search is what trains."""
        import keras

        X, y = data

        outer = self.make_model()

        class Inside(keras.callbacks.Callback):  # type: ignore[misc]  # as above
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                inner = TestKeras().make_model()
                inner.fit(X, y, verbose=0)

        outer.fit(X, y, epochs=2, verbose=0, callbacks=[Inside()])
        return outer

    def make_batches(self) -> list[Any]:
        """Batches, of which the training below takes as many as without chiplog."""
        X, y = self.make_data()
        return [(X[:8], y[:8]), (X[8:], y[8:]), (X[:8], y[:8]), (X[8:], y[8:])]

    def train_from(self, batches: Iterator[Any]) -> Any:
        """Fit on a generator."""
        model = self.make_model()
        model.fit(batches, steps_per_epoch=2, epochs=1, shuffle=False, verbose=0)
        return model
