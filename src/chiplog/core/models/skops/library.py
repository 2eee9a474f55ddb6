"""Importing skops without the frameworks that it would import on its way."""

from __future__ import annotations

import sys
from typing import Final

_COMPAT: Final = "sklearn.externals.array_api_compat"
_FRAMEWORKS: Final = ("cupy", "dask", "torch")


def import_skops() -> None:
    """Import ``skops.io``; raises ImportError if skops is not installed.

    skops asks scikit-learn for all of its estimators, which walks through every package there is:
    through those, too, that are there for arrays of torch, and import it where it is installed.
    One that the program has imported itself costs nothing, and is left alone.
    """
    if "skops.io" in sys.modules:
        return
    held_back = [f"{_COMPAT}.{name}" for name in _FRAMEWORKS if name not in sys.modules]
    for name in held_back:
        sys.modules[name] = None  # type: ignore[assignment]  # what is None cannot be imported
    try:
        import skops.io  # noqa: F401 - for its effect
    finally:
        for name in held_back:
            del sys.modules[name]
