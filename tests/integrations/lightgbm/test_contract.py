"""LightGBM passes the kit that every integration passes, natively and as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chiplog.testing.integration_kit import IntegrationKit
from chiplog.testing.integration_kit.recording import RecordingTests

pytestmark = pytest.mark.framework

pytest.importorskip("lightgbm")

PARAMS = {"num_leaves": 3, "min_child_samples": 2, "verbose": -1, "num_threads": 1}


class TestTrain(IntegrationKit):
    """``lightgbm.train`` with an evaluation and early stopping."""

    integration = "lightgbm"

    def make_data(self) -> Any:
        """Forty points of two classes."""
        import lightgbm

        generator = np.random.RandomState(0)
        X = generator.normal(size=(40, 3))
        train = lightgbm.Dataset(X, (X[:, 0] > 0).astype(int))
        return train, train.create_valid(X[:20], (X[:20, 0] > 0).astype(int))

    def train_on(self, data: Any) -> Any:
        """Four rounds, rows drawn at random."""
        import lightgbm

        return lightgbm.train(
            {**PARAMS, "objective": "binary", "bagging_fraction": 0.5, "bagging_freq": 1},
            data[0],
            4,
            valid_sets=[data[1]],
            callbacks=[lightgbm.early_stopping(2, verbose=False)],
        )

    def train_nested(self, data: Any) -> Any:
        """Train a second booster in a callback of the first."""
        import lightgbm

        def inner(env: Any) -> None:
            generator = np.random.RandomState(0)
            X = generator.normal(size=(40, 3))
            lightgbm.train(PARAMS, lightgbm.Dataset(X, X[:, 0]), 1)

        return lightgbm.train(PARAMS, data[0], 1, callbacks=[inner])


class TestFit(RecordingTests):
    """``LGBMClassifier.fit``."""

    integration = "lightgbm"

    def make_data(self) -> Any:
        """Forty points of two classes."""
        generator = np.random.RandomState(0)
        X = generator.normal(size=(40, 3))
        return X, (X[:, 0] > 0).astype(int)

    def train_on(self, data: Any) -> Any:
        """Three rounds."""
        import lightgbm

        return lightgbm.LGBMClassifier(
            n_estimators=3, num_leaves=3, min_child_samples=2, n_jobs=1, verbose=-1
        ).fit(*data)

    def train_nested(self, data: Any) -> Any:
        """A fit, which calls the fit of its base class and ``train``."""
        return self.train_on(data)
