"""No tracking at all: what the work costs by itself."""

from __future__ import annotations

from benchmarks.workers import training
from benchmarks.workers.protocol import serve, verb


@verb
def autolog(models: bool = True) -> None:
    """Nothing watches."""


@verb
def fit() -> float:
    return training.small_fit()


@verb
def recorded() -> int:
    return 0


@verb
def grid(candidates: int) -> float:
    return training.grid_search(candidates)


if __name__ == "__main__":
    serve()
