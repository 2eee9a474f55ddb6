# mypy: disable-error-code="no-any-return, type-arg"
"""The scikit-learn work that autologging watches: the same for every tool."""

from __future__ import annotations

import time
from typing import Any


def small_fit() -> float:
    """Fit one small classifier and hand back the seconds that the call took."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    X, y = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=500)
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def grid_search(candidates: int) -> float:
    """Search ``candidates`` (a multiple of 10) settings of a tree; seconds that ``fit`` took."""
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    X, y = load_iris(return_X_y=True, as_frame=True)
    grid = {
        "max_depth": list(range(1, 11)),
        "ccp_alpha": [0.001 * number for number in range(candidates // 10)],
    }
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid, cv=5)
    start = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - start


def fitted_model() -> tuple[Any, Any]:
    """A small fitted model and five rows of what it was fitted on."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    X, y = load_iris(return_X_y=True, as_frame=True)
    return LogisticRegression(max_iter=500).fit(X, y), X.head(5)
