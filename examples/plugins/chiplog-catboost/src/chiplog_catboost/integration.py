"""Where CatBoost's training calls are watched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from chiplog.plugins import Integration, Point

from chiplog_catboost.config import CatBoostConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.plugins import Installation

ESTIMATORS = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")


class CatBoostIntegration(Integration):
    """Records CatBoost: its estimators, ``train`` and ``cv``, and its own searches."""

    name = "catboost"
    module = "chiplog_catboost.api"
    options = CatBoostConfig
    distribution = "catboost"
    versions = ">=1.2"
    modules = ("catboost",)

    def points(self) -> Iterable[Point]:
        """The methods to watch."""
        from chiplog_catboost.search import SearchWatch
        from chiplog_catboost.training import FitWatch

        catboost = sys.modules["catboost"]
        for name in ESTIMATORS:
            yield Point(getattr(catboost, name), "fit", FitWatch)
        for name in ("grid_search", "randomized_search"):
            yield Point(catboost.CatBoost, name, SearchWatch)
        yield Point(
            catboost.CatBoost,
            "select_features",
            uncaptured="the trainings of a feature selection are not recorded; fit the model on "
            "the selected features",
        )

    def install(self, installation: Installation) -> None:
        """Watch the functions, under whatever name somebody imported them."""
        from chiplog_catboost.crossvalidation import CvWatch
        from chiplog_catboost.training import TrainWatch

        catboost = sys.modules["catboost"]
        wrappers = {
            catboost.train: installation.wrapper(Point(catboost, "train", TrainWatch)),
            catboost.cv: installation.wrapper(Point(catboost, "cv", CvWatch)),
        }
        installation.patcher.wrap_functions(wrappers, [catboost])
