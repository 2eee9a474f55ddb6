"""CatBoost's names as chiplog's keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def metric_key(data: str, metric: str) -> str:
    """The key of a metric of one data set, such as ``validation-Logloss``."""
    return re.sub(r"[^\w.:/ -]", "_", f"{data}-{metric}")


def curves(results: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Each curve of CatBoost's evaluation results, as key and values."""
    for data, metrics in results.items():
        for metric, values in metrics.items():
            yield metric_key(data, metric), values
