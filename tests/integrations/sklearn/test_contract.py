"""scikit-learn passes the kit that every integration passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.testing.integration_kit import IntegrationKit

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")


class TestSklearn(IntegrationKit):
    """A small random forest, which draws random numbers; a search; training in steps."""

    integration = "sklearn"

    def make_data(self) -> Any:
        """Forty points of two classes."""
        generator = np.random.RandomState(0)
        X = generator.normal(size=(40, 3))
        return X, (X[:, 0] + generator.normal(size=40) > 0).astype(int)

    def train_on(self, data: Any) -> Any:
        """Fit from the global generator."""
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(n_estimators=2, max_depth=2).fit(*data)

    def train_nested(self, data: Any) -> Any:
        """Search over a pipeline."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipeline = make_pipeline(StandardScaler(), LogisticRegression())
        return GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1.0]}, cv=2).fit(*data)

    def make_batches(self) -> list[Any]:
        """Text, of which the search below reads three."""
        return ["a b", "b c", "a c", "never read"]

    def train_from(self, batches: Iterator[Any]) -> Any:
        """Fit on an iterator, which can be read once."""
        from itertools import islice

        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline

        return make_pipeline(CountVectorizer(token_pattern=r"\w"), MultinomialNB()).fit(
            islice(batches, 3), [0, 1, 0]
        )
