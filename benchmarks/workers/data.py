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
