"""Where LightGBM's training calls are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.integration import Integration, Point
from chiplog.integrations.lightgbm.config import LightGBMConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation

_LOOP = (
    "a loop of Booster.update() calls tells neither its evaluations nor its end; "
    "lightgbm.train() is recorded"
)
_REFIT = "refitting the leaves of a model on other data has no iterations; it is not recorded"
_CLUSTER = "training on a cluster takes place in its workers"


class LightGBMIntegration(Integration):
    """Records LightGBM: ``train``, ``cv`` and the fits of its scikit-learn estimators."""

    name = "lightgbm"
    distribution = "lightgbm"
    versions = ">=4.6"
    modules = ("lightgbm",)
    options = LightGBMConfig
    module = "chiplog.integrations.lightgbm.api"

    def points(self) -> Iterable[Point]:
        """The functions and estimators there are, and what cannot be recorded."""
        import lightgbm

        from chiplog.integrations.lightgbm.train import CrossValidationWatch, TrainWatch

        yield Point(lightgbm, "train", TrainWatch)
        yield Point(lightgbm, "cv", CrossValidationWatch)
        yield Point(lightgbm.Booster, "update", uncaptured=_LOOP)
        yield Point(lightgbm.Booster, "refit", uncaptured=_REFIT)

    def install(self, installation: Installation) -> None:
        """Watch the functions under other names too, the estimators, and the data."""
        import lightgbm
        from lightgbm import engine

        from chiplog.integrations.lightgbm.data import keep_samples
        from chiplog.integrations.lightgbm.train import CrossValidationWatch, TrainWatch

        installation.patcher.wrap_functions(
            {
                engine.train: installation.wrapper(Point(lightgbm, "train", TrainWatch)),
                engine.cv: installation.wrapper(Point(lightgbm, "cv", CrossValidationWatch)),
            },
            [],
        )
        options: Any = installation.config
        if options.log_models and (options.log_model_signatures or options.log_input_examples):
            installation.patcher.wrap(lightgbm.Dataset, "__init__", keep_samples(installation))
        installation.on_import("lightgbm.sklearn", _watch_estimators(installation))
        installation.on_import("lightgbm.dask", _watch_cluster(installation))

    def uninstall(self, installation: Installation) -> None:  # noqa: ARG002
        """Let go of the rows that were kept."""
        from chiplog.integrations.lightgbm.data import forget_samples

        forget_samples()


def _watch_estimators(installation: Installation) -> Any:
    def watch(module: ModuleType) -> None:
        from chiplog.integrations.lightgbm.fit import FitWatch, around_inner_train

        base = getattr(module, "LGBMModel", None)
        if base is None:
            return
        for cls in (base, *_subclasses(base)):
            if "fit" in vars(cls) and not cls.__module__.startswith("lightgbm.dask"):
                installation.watch(Point(cls, "fit", FitWatch))
        installation.patcher.wrap(module, "train", around_inner_train)

    return watch


def _watch_cluster(installation: Installation) -> Any:
    def watch(module: ModuleType) -> None:
        classes: list[Any] = list(vars(module).values())
        for cls in classes:
            ours = isinstance(cls, type) and cls.__module__ == module.__name__
            if ours and "fit" in vars(cls):
                installation.watch(Point(cls, "fit", uncaptured=_CLUSTER))

    return watch


def _subclasses(base: type) -> Iterator[type]:
    found: list[type] = base.__subclasses__()
    for cls in found:
        yield cls
        yield from _subclasses(cls)
