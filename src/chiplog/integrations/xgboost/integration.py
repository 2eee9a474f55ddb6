"""Where XGBoost's training calls are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.integration import Integration, Point
from chiplog.integrations.xgboost.config import XGBoostConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation

_LOOP = (
    "a loop of Booster.{name}() calls tells neither its evaluations nor its end; "
    "xgboost.train() is recorded"
)
_CLUSTER = "training on a cluster takes place in its workers"


class XGBoostIntegration(Integration):
    """Records XGBoost: ``train``, ``cv`` and the fits of its scikit-learn estimators."""

    name = "xgboost"
    distribution = "xgboost"
    versions = ">=2.1"
    modules = ("xgboost",)
    options = XGBoostConfig
    module = "chiplog.integrations.xgboost.api"

    def points(self) -> Iterable[Point]:
        """The functions and estimators there are, and what cannot be recorded."""
        import xgboost

        from chiplog.integrations.xgboost.train import CrossValidationWatch, TrainWatch

        yield Point(xgboost, "train", TrainWatch)
        yield Point(xgboost, "cv", CrossValidationWatch)
        for name in ("update", "boost"):
            yield Point(xgboost.Booster, name, uncaptured=_LOOP.format(name=name))

    def install(self, installation: Installation) -> None:
        """Watch the functions under other names too, the estimators, and the data."""
        import xgboost
        from xgboost import training

        from chiplog.integrations.xgboost.data import keep_samples
        from chiplog.integrations.xgboost.train import CrossValidationWatch, TrainWatch

        installation.patcher.wrap_functions(
            {
                training.train: installation.wrapper(Point(xgboost, "train", TrainWatch)),
                training.cv: installation.wrapper(Point(xgboost, "cv", CrossValidationWatch)),
            },
            [],
        )
        options: Any = installation.config
        if options.log_models and (options.log_model_signatures or options.log_input_examples):
            for matrix in (xgboost.DMatrix, xgboost.QuantileDMatrix):
                installation.patcher.wrap(matrix, "__init__", keep_samples(installation))
        installation.on_import("xgboost.sklearn", _watch_estimators(installation))
        for module in ("xgboost.dask", "xgboost.spark"):
            installation.on_import(module, _watch_cluster(installation))

    def uninstall(self, installation: Installation) -> None:  # noqa: ARG002
        """Let go of the rows that were kept."""
        from chiplog.integrations.xgboost.data import forget_samples

        forget_samples()


def _watch_estimators(installation: Installation) -> Any:
    def watch(module: ModuleType) -> None:
        from chiplog.integrations.xgboost.fit import FitWatch, around_inner_train

        base = getattr(module, "XGBModel", None)
        if base is None:
            return
        for cls in (base, *_subclasses(base)):
            if "fit" in vars(cls) and not cls.__module__.startswith(
                ("xgboost.dask", "xgboost.spark")
            ):
                installation.watch(Point(cls, "fit", FitWatch))
        installation.patcher.wrap(module, "train", around_inner_train)

    return watch


def _watch_cluster(installation: Installation) -> Any:
    def watch(module: ModuleType) -> None:
        for name in ("train", "cv"):
            if callable(vars(module).get(name)):
                installation.watch(Point(module, name, uncaptured=_CLUSTER))
        classes: list[Any] = list(vars(module).values())
        for cls in classes:
            if (
                isinstance(cls, type)
                and cls.__module__.startswith(module.__name__)
                and "fit" in vars(cls)
            ):
                installation.watch(Point(cls, "fit", uncaptured=_CLUSTER))

    return watch


def _subclasses(base: type) -> Iterator[type]:
    found: list[type] = base.__subclasses__()
    for cls in found:
        yield cls
        yield from _subclasses(cls)
