"""The data that every tool records: the same for all, made before the clock starts."""

from __future__ import annotations

import math
import random

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
