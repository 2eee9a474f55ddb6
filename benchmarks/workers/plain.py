"""No tracking at all: what the work costs by itself."""

from __future__ import annotations

import time

from benchmarks.workers import data, training
from benchmarks.workers.protocol import serve, summary, verb, work


def _nothing(key: str, value: float, step: int) -> None:
    """What any call of three arguments costs."""


@verb
def begin() -> None:
    """Nothing to begin."""


@verb
def log_metric(count: int, between: float = 0.0) -> dict[str, float]:
    values = data.noisy_loss(count)
    taken = [0] * count
    clock = time.perf_counter_ns
    for step, value in enumerate(values):
        work(between)
        start = clock()
        _nothing("loss", value, step=step)
        taken[step] = clock() - start
    return summary(taken)


@verb
def drain() -> None:
    """Nothing waits."""


@verb
def autolog(models: bool = True) -> None:
    """Nothing watches."""


@verb
def fit() -> float:
    return training.small_fit()


@verb
def contents() -> str:
    return "nothing"


@verb
def recorded() -> int:
    return 0


@verb
def grid(candidates: int) -> float:
    return training.grid_search(candidates)


if __name__ == "__main__":
    serve()
