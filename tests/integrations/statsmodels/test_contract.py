"""statsmodels passes the kits that every integration and every flavor pass."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from chiplog.testing import FlavorKit
from chiplog.testing.integration_kit import IntegrationKit

pytestmark = pytest.mark.framework

pytest.importorskip("statsmodels")


def rows() -> Any:
    """Forty rows."""
    return np.random.RandomState(0).normal(size=(40, 3))


class TestStatsmodelsFlavor(FlavorKit):
    """A linear regression."""

    flavor = "statsmodels"
    framework = "statsmodels"
    options: ClassVar[dict[str, Any]] = {"serialization_format": "pickle"}
    pickling: ClassVar[dict[str, Any] | None] = {"serialization_format": "pickle"}
    only_pickles = True

    def make_model(self) -> Any:
        """Fitted to the first column."""
        from statsmodels.regression.linear_model import OLS

        return OLS(rows()[:, 0], rows()).fit()

    def make_input(self) -> Any:
        """The same rows."""
        return rows()


class TestFit(IntegrationKit):
    """``fit`` of a regression."""

    integration = "statsmodels"

    def make_data(self) -> Any:
        """Forty rows and what to fit them to."""
        return rows(), rows().sum(axis=1)

    def train_on(self, data: Any) -> Any:
        """By least squares."""
        from statsmodels.regression.linear_model import OLS

        return OLS(data[1], data[0]).fit()

    def train_nested(self, data: Any) -> Any:
        """By Newton's method; the fit calls those of three base classes."""
        from statsmodels.discrete.discrete_model import Poisson

        return Poisson(data[1].round().clip(0), data[0]).fit(disp=0)
