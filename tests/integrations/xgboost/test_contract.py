"""XGBoost passes the kit that every integration passes, natively and as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chiplog.testing.integration_kit import IntegrationKit
from chiplog.testing.integration_kit.contract import ContractTests
from chiplog.testing.integration_kit.recording import RecordingTests

pytestmark = pytest.mark.framework

pytest.importorskip("xgboost")


class TestTrain(IntegrationKit):
    """``xgboost.train`` with an evaluation and early stopping."""

    integration = "xgboost"

    def make_data(self) -> Any:
        """Forty points of two classes."""
        import xgboost

        generator = np.random.RandomState(0)
        X = generator.normal(size=(40, 3))
        return (xgboost.DMatrix(X, (X[:, 0] > 0).astype(int)),)

    def train_on(self, data: Any) -> Any:
        """Four rounds, rows drawn at random."""
        import xgboost

        params = {"objective": "binary:logistic", "max_depth": 2, "subsample": 0.5, "nthread": 1}
        return xgboost.train(
            params,
            data[0],
            4,
            evals=[(data[0], "train")],
            early_stopping_rounds=2,
            verbose_eval=False,
        )

    def train_nested(self, data: Any) -> Any:
        """Train a second booster in a callback of the first."""
        import xgboost

        class Inner(xgboost.callback.TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                xgboost.train({"nthread": 1}, data[0], 1)
                return False

        return xgboost.train({"nthread": 1}, data[0], 1, callbacks=[Inner()])


class TestFit(RecordingTests, ContractTests):
    """``XGBClassifier.fit``."""

    integration = "xgboost"

    def make_data(self) -> Any:
        """Forty points of two classes."""
        generator = np.random.RandomState(0)
        X = generator.normal(size=(40, 3))
        return X, (X[:, 0] > 0).astype(int)

    def train_on(self, data: Any) -> Any:
        """Three rounds."""
        import xgboost

        model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, subsample=0.5, n_jobs=1)
        return model.fit(*data, eval_set=[data], verbose=False)

    def train_nested(self, data: Any) -> Any:
        """A random forest of XGBoost's, whose fit calls the fit of its base class."""
        import xgboost

        return xgboost.XGBRFClassifier(n_estimators=2, max_depth=2, n_jobs=1).fit(*data)
