"""The data that every tool records: the same for all, made before the clock starts."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMS = {f"param_{number:02}": str(number * 0.1) for number in range(20)}
TAGS = {f"tag_{number}": f"value {number}" for number in range(10)}
METRICS = {f"metric_{number}": 1.0 / (number + 1) for number in range(5)}


def noisy_loss(count: int, seed: int = 0) -> list[float]:
    """A falling curve with noise in every digit, as a real loss has."""
    source = random.Random(seed)
    return [math.exp(-3 * step / count) + source.gauss(0.0, 0.05) for step in range(count)]


def searched_metrics(number: int) -> dict[str, float]:
    """The metrics of run ``number`` in a store that is searched."""
    return {
        "accuracy": (number * 7919 % 10_007) / 10_007,
        "loss": (number * 104_729 % 9_973) / 9_973,
        "f1": (number * 31 % 1_009) / 1_009,
        "recall": (number * 17 % 997) / 997,
        "epoch_seconds": float(number % 60),
    }


def searched_params(number: int) -> dict[str, str]:
    """The parameters of run ``number`` in a store that is searched."""
    first = {"depth": str(number % 20), "rate": str(10.0 ** -(number % 5))}
    return first | {f"param_{other}": str(number * other % 13) for other in range(8)}


def searched_tags(number: int) -> dict[str, str]:
    """The tags of run ``number`` in a store that is searched."""
    return {
        "mlflow.runName": f"run-{number}",
        "mlflow.user": "ada",
        "mlflow.source.name": "train.py",
        "team": ("vision", "speech", "ranking")[number % 3],
        "fold": str(number % 5),
    }


def wide_frame(rows: int, columns: int, *, narrow: bool = False) -> tuple[Any, Any]:
    """A table of mixed columns, and a few rows of it to read a signature off.

    With ``narrow`` all columns are 32-bit integers, and the few rows are of 64 bits.
    """
    import numpy as np
    import pandas as pd

    source = np.random.default_rng(0)
    kinds: list[Callable[[], Any]] = [
        lambda: source.random(rows),
        lambda: source.integers(0, 99, rows),
        lambda: source.random(rows, dtype="float32"),
        lambda: source.random(rows) < 0.5,
        lambda: np.array(["red", "green", "blue"])[source.integers(0, 3, rows)].astype(object),
        lambda: source.integers(0, 10**18, rows).astype("datetime64[ns]"),
    ]
    if narrow:
        kinds = [lambda: source.integers(0, 99, rows, dtype="int32")]
    content = {f"column_{i}": kinds[i % len(kinds)]() for i in range(columns)}
    frame = pd.DataFrame(content)
    return frame, frame.head(20).astype("int64") if narrow else frame.head(20)
