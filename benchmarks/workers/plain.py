"""No tracking at all: what the work costs by itself."""

from __future__ import annotations

import time

from benchmarks.workers import data, loops, training
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


@verb
def autolog_loops(framework: str, models: bool, every_step: bool = False) -> None:
    """Nothing watches."""


@verb
def loop(
    framework: str,
    steps: int,
    logger: str = "",
    by_hand: bool = False,  # noqa: ARG001 - there is nobody to tell by hand
) -> dict[str, float]:
    result = loops.train(framework, steps, logger)
    points = {"TensorBoard": steps, "CSV": steps}.get(logger, 0)
    return {**result, "points": points if framework != "keras" or logger != "CSV" else 1}


if __name__ == "__main__":
    serve()
