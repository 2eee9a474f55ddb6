"""The flavor kit, on scikit-learn's flavor; and that it finds what is wrong."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from chiplog.testing import FlavorKit

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

ROWS = [[0.0, 1.0], [1.0, 0.5], [2.0, 0.0], [3.0, 1.5]]


class TestSklearnFlavor(FlavorKit):
    """A logistic regression."""

    flavor = "sklearn"
    framework = "sklearn"
    distribution = "scikit-learn"
    pickling: ClassVar[dict[str, Any] | None] = {"serialization_format": "pickle"}

    def make_model(self) -> Any:
        """Fitted on four rows."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression().fit(ROWS, [0, 0, 1, 1])

    def make_input(self) -> Any:
        """The same four rows."""
        import numpy as np

        return np.array(ROWS)
