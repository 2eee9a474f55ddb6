# mypy: ignore-errors
# (trackio is not installed where the types are checked.)
"""trackio on its default: a database a project under the home directory, a queue and a thread."""

from __future__ import annotations

import os
import signal
import time

import trackio

from benchmarks.workers import data
from benchmarks.workers.protocol import folder_size, serve, summary, verb, work

PROJECT = "benchmark"


@verb
def begin() -> None:
    trackio.init(project=PROJECT)
    trackio.log({"warm": 0.0}, step=0)


@verb
def log_metric(count: int, between: float = 0.0) -> dict:
    values = data.noisy_loss(count)
    taken = [0] * count
    clock = time.perf_counter_ns
    for step, value in enumerate(values):
        work(between)
        start = clock()
        trackio.log({"loss": value}, step=step)
        taken[step] = clock() - start
    return summary(taken)


@verb
def drain() -> None:
    """Finish, which waits for the queue, and go on with another run."""
    trackio.finish()
    begin()


@verb
def sustained(count: int) -> float:
    values = data.noisy_loss(count)
    start = time.perf_counter()
    run = trackio.init(project=PROJECT)
    for step, value in enumerate(values):
        trackio.log({"loss": value}, step=step)
    trackio.finish()
    seconds = time.perf_counter() - start
    readable = len(trackio.SQLiteStorage.get_logs(PROJECT, run.name))
    assert readable == count, f"{readable} of {count} points are readable"
    return seconds


@verb
def size(count: int) -> int:
    trackio.init(project=PROJECT)
    for step, value in enumerate(data.noisy_loss(count)):
        trackio.log({"loss": value}, step=step)
    trackio.finish()
    return folder_size(".")


@verb
def short_run() -> float:
    """Parameters and tags are one configuration here: trackio has no tags."""
    start = time.perf_counter()
    run = trackio.init(project=PROJECT, config={**data.PARAMS, **data.TAGS})
    trackio.log(data.METRICS)
    trackio.finish()
    config = trackio.SQLiteStorage.get_run_config(PROJECT, run.name)
    logs = trackio.SQLiteStorage.get_logs(PROJECT, run.name)
    seconds = time.perf_counter() - start
    assert len(config) >= 30, config
    assert len(logs) == 1, logs
    return seconds


@verb
def die_after(count: int, seconds: float) -> None:
    trackio.init(project=PROJECT)
    for step, value in enumerate(data.noisy_loss(count)):
        time.sleep(seconds)
        trackio.log({"loss": value}, step=step)
    os.kill(os.getpid(), signal.SIGKILL)


@verb
def surviving(key: str = "loss") -> dict:
    runs = trackio.SQLiteStorage.get_runs(PROJECT)
    logs = [trackio.SQLiteStorage.get_logs(PROJECT, run) for run in runs]
    points = sum(key in row for rows in logs for row in rows)
    return {"runs": len(runs), "points": points, "status": []}


@verb
def one_of_many(points: int) -> None:
    trackio.init(project=PROJECT, name=f"run-{os.getpid()}")
    for step in range(points):
        trackio.log({"loss": 1.0 / (step + 1)}, step=step)
    trackio.finish()


if __name__ == "__main__":
    serve()
