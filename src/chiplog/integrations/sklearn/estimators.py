"""Which classes are watched: every estimator there is, and every one that comes to be."""

from __future__ import annotations

import dis
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Packages whose estimators have integrations of their own.
FOREIGN: Final = frozenset({"catboost", "lightgbm", "xgboost"})

#: What prepares data is not a training of its own; MLflow leaves the same out.
PREPARING: Final = (
    "sklearn.preprocessing",
    "sklearn.impute",
    "sklearn.feature_extraction",
    "sklearn.feature_selection",
)
_PREPARING_CLASSES: Final = frozenset({"sklearn.compose._column_transformer.ColumnTransformer"})

FITS: Final = ("fit", "fit_transform", "fit_predict")
STEPS: Final = ("partial_fit",)
RESULTS: Final = ("predict", "predict_proba", "predict_log_proba", "transform")

_kinds: WeakKeyDictionary[type, str] = WeakKeyDictionary()

WATCHED, PREPARES, LEFT_ALONE, PRIVATE = "watched", "prepares", "left alone", "private"


def kind_of(cls: type) -> str:
    """Whether a class of estimators is watched, prepares data, or is somebody else's.

    scikit-learn's private bases are watched as far as a public class inherits from them.
    """
    kind = _kinds.get(cls)
    if kind is None:
        kind = _kinds[cls] = _find_kind(cls)
    return kind


def _find_kind(cls: type) -> str:
    for base in cls.__mro__:
        module = base.__module__
        if module.partition(".")[0] in FOREIGN:
            return LEFT_ALONE
        if f"{module}.{base.__qualname__}" in _PREPARING_CLASSES:
            return PREPARES
        if module.startswith(PREPARING) and hasattr(base, "get_params"):
            return PREPARES
    if cls.__name__.startswith("_") and cls.__module__.startswith("sklearn."):
        return PRIVATE
    return WATCHED


def known_estimators(root: type) -> Iterator[type]:
    """Every class that inherits from ``root`` by now, each once."""
    seen: set[type] = set()
    stack = [root]
    while stack:
        found: list[type] = stack.pop().__subclasses__()
        for cls in found:
            if cls not in seen:
                seen.add(cls)
                stack.append(cls)
                yield cls


def methods(cls: type, names: tuple[str, ...]) -> Iterator[tuple[type, str]]:
    """Where a class's methods of those names are defined; inherited ones where they are.

    A name that a class takes back, as FeatureAgglomeration does ``fit_predict``, is no method.
    """
    for name in names:
        for base in cls.__mro__:
            if name in vars(base):
                if not _is_taken_back(vars(base)[name]):
                    yield base, name
                break


def _is_taken_back(entry: Any) -> bool:
    """Whether an entry is a property that can do nothing but raise AttributeError."""
    if not isinstance(entry, property):
        return False
    code = getattr(entry.fget, "__code__", None)
    if code is None or "AttributeError" not in code.co_names:
        return False
    return not any(found.opname.startswith("RETURN") for found in dis.get_instructions(code))


def is_search(estimator: Any) -> bool:
    """Whether an estimator searches over parameters, as GridSearchCV does."""
    return any(
        base.__name__ == "BaseSearchCV" and base.__module__.startswith("sklearn.")
        for base in type(estimator).__mro__
    )


def is_classifier(estimator: Any) -> bool:
    """Whether an estimator says of itself that it classifies."""
    from sklearn.base import is_classifier as check

    return bool(check(estimator))


def is_regressor(estimator: Any) -> bool:
    """Whether an estimator says of itself that it predicts numbers."""
    from sklearn.base import is_regressor as check

    return bool(check(estimator))


def full_name(cls: type) -> str:
    """The class's module and name."""
    return f"{cls.__module__}.{cls.__name__}"
