"""Where scikit-learn's training calls are watched."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from chiplog.core.autolog import nesting
from chiplog.core.autolog.integration import Integration, Point
from chiplog.integrations.sklearn import estimators
from chiplog.integrations.sklearn.config import SklearnConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation
    from chiplog.hooks.wrapping import Wrapper

#: Functions of ``sklearn.metrics`` that measure no prediction.
_NO_METRICS = frozenset(
    {
        "check_scoring",
        "get_scorer",
        "get_scorer_names",
        "make_scorer",
        "confusion_matrix_at_thresholds",
    }
)


class SklearnIntegration(Integration):
    """Records scikit-learn: every estimator's fits, searches, validations, and what follows.

    Estimators that are imported or defined later are watched from the moment they exist.
    """

    name = "sklearn"
    distribution = "scikit-learn"
    versions = ">=1.4"
    modules = ("sklearn",)
    options = SklearnConfig

    def install(self, installation: Installation) -> None:
        """Watch the estimators there are, those to come, and the functions around them."""
        Watchers(installation).install()


class Watchers:
    """Puts the watches in, for one installation."""

    def __init__(self, installation: Installation) -> None:
        from chiplog.integrations.sklearn.fit import FitWatch
        from chiplog.integrations.sklearn.posttraining import PostTraining
        from chiplog.integrations.sklearn.stepping import StepWatch

        self._installation = installation
        self._fit, self._step = FitWatch, StepWatch
        self._after = PostTraining(installation)
        self._seen: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()

    def install(self) -> None:
        """Put in everything that can be now, and arrange for the rest."""
        from sklearn.base import BaseEstimator

        for cls in estimators.known_estimators(BaseEstimator):
            self.watch_class(cls)
        self._follow_subclasses(BaseEstimator)
        self._installation.on_import("sklearn.model_selection", self._watch_validation)
        if self._measures:
            self._installation.on_import("sklearn.metrics", self._watch_metrics)

    @property
    def _measures(self) -> bool:
        return bool(getattr(self._installation.config, "log_post_training_metrics", True))

    def watch_class(self, cls: type) -> None:
        """Watch the methods of an estimator's class, where they are defined."""
        kind = estimators.kind_of(cls)
        if kind in {estimators.LEFT_ALONE, estimators.PRIVATE}:
            return
        if kind == estimators.PREPARES:
            self._quieten(cls)
            return
        for owner, name in estimators.methods(cls, estimators.FITS):
            self._watch(owner, name, Point(owner, name, self._fit))
        for owner, name in estimators.methods(cls, estimators.STEPS):
            self._watch(owner, name, Point(owner, name, self._step))
        if self._measures:
            for owner, name in estimators.methods(cls, estimators.RESULTS):
                self._watch(owner, name, Point(owner, name, observer=self._after.predicted))
            for owner, name in estimators.methods(cls, ("score",)):
                self._watch(owner, name, Point(owner, name, observer=self._after.scored))

    def _watch(self, owner: type, name: str, point: Point) -> None:
        if self._is_new(owner, name):
            self._installation.watch(point)

    def _is_new(self, owner: type, name: str) -> bool:
        names = self._seen.setdefault(owner, set())
        if name in names:
            return False
        names.add(name)
        return True

    def _quieten(self, cls: type) -> None:
        """What prepares data is not logged, nor are the fits that it makes inside."""
        for owner, name in estimators.methods(cls, estimators.FITS):
            own = estimators.kind_of(owner) == estimators.PREPARES
            if own and self._is_new(owner, name):
                self._installation.patcher.wrap(owner, name, _quietly)

    def _follow_subclasses(self, root: type) -> None:
        """Watch every estimator that is defined from now on."""
        from chiplog.hooks.patcher import definer

        owner = definer(root, "__init_subclass__")
        if owner is None or owner is object:
            self._installation.watch(Point(root, "__init_subclass__"))
            return

        def defined(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            result = wrapped(*args, **kwargs)
            if isinstance(instance, type) and issubclass(instance, root):
                self._installation.guarded(
                    f"Watching {instance.__name__}", self.watch_class, instance
                )
            return result

        self._installation.patcher.wrap(owner, "__init_subclass__", defined)

    def _watch_validation(self, module: ModuleType) -> None:
        """Watch ``cross_validate`` and its like, under whatever name somebody imported them."""
        from chiplog.integrations.sklearn import validation

        functions = {
            function: self._installation.wrapper(Point(module, name, validation.ValidationWatch))
            for name in validation.FUNCTIONS
            if (function := getattr(module, name, None)) is not None
        }
        self._installation.patcher.wrap_functions(functions, [module])
        inside = inspect.getmodule(next(iter(functions))) if functions else None
        if inside is not None and inside is not module:
            self._installation.patcher.wrap(inside, "cross_validate", validation.keep_folds)

    def _watch_metrics(self, module: ModuleType) -> None:
        """Watch the functions that measure predictions, likewise."""
        functions: dict[Callable[..., Any], Wrapper] = {
            function: self._installation.wrapper(Point(module, name, observer=self._after.measured))
            for name in getattr(module, "__all__", ())
            if name not in _NO_METRICS
            and not name.startswith("plot_")
            and inspect.isfunction(function := getattr(module, name, None))
        }
        self._installation.patcher.wrap_functions(functions, [module])


def _quietly(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
    """Around the fit of what prepares data."""
    with nesting.suspended():
        return wrapped(*args, **kwargs)
