# mypy: ignore-errors
# (Aim is not installed where the types are checked.)
"""Aim on its default: a repository in the working directory, one embedded store a run."""

from __future__ import annotations

import os
import signal
import time

import aim

from benchmarks.workers import data
from benchmarks.workers.protocol import folder_size, serve, summary, verb, work

_open: dict[str, aim.Run] = {}


def _reopened(run_hash: str) -> aim.Run:
    """The run itself, as soon as Aim finds it: its index is another process's work."""
    for _ in range(1000):
        try:
            return aim.Run(run_hash=run_hash, force_resume=True, system_tracking_interval=None)
        except aim.sdk.errors.MissingRunError:
            time.sleep(0.001)
    raise TimeoutError(f"Aim does not find run {run_hash}")


def _points(key: str, run_hash: str) -> int:
    opened = _reopened(run_hash)
    counts = [len(found.values.sparse_list()[1]) for found in opened.metrics() if found.name == key]
    opened.close()
    return sum(counts)


@verb
def begin() -> None:
    _open["run"] = aim.Run()
    _open["run"].track(0.0, name="warm", step=0)


@verb
def log_metric(count: int, between: float = 0.0) -> dict:
    values = data.noisy_loss(count)
    taken = [0] * count
    run, clock = _open["run"], time.perf_counter_ns
    for step, value in enumerate(values):
        work(between)
        start = clock()
        run.track(value, name="loss", step=step)
        taken[step] = clock() - start
    return summary(taken)


@verb
def drain() -> None:
    """Nothing waits: track() writes at the call."""


@verb
def sustained(count: int) -> float:
    values = data.noisy_loss(count)
    start = time.perf_counter()
    series = aim.Run()
    for step, value in enumerate(values):
        series.track(value, name="loss", step=step)
    series.close()
    seconds = time.perf_counter() - start
    readable = _points("loss", series.hash)
    assert readable == count, f"{readable} of {count} points are readable"
    return seconds


@verb
def size(count: int) -> int:
    series = aim.Run(system_tracking_interval=None)
    for step, value in enumerate(data.noisy_loss(count)):
        series.track(value, name="loss", step=step)
    series.close()
    return folder_size(".")


@verb
def short_run() -> float:
    start = time.perf_counter()
    short = aim.Run()
    short["hparams"] = data.PARAMS
    for key, value in data.TAGS.items():
        short.add_tag(f"{key}: {value}")
    for key, value in data.METRICS.items():
        short.track(value, name=key, step=0)
    short.close()
    read = _reopened(short.hash)
    params, tags = len(read["hparams"]), len(read.props.tags)
    metrics = len([found for found in read.metrics() if found.name in data.METRICS])
    read.close()
    seconds = time.perf_counter() - start
    assert (params, tags, metrics) == (20, 10, 5), (params, tags, metrics)
    return seconds


@verb
def die_after(count: int, seconds: float) -> None:
    dying = aim.Run()
    for step, value in enumerate(data.noisy_loss(count)):
        time.sleep(seconds)
        dying.track(value, name="loss", step=step)
    os.kill(os.getpid(), signal.SIGKILL)


@verb
def surviving(key: str = "loss") -> dict:
    hashes = aim.Repo(".").list_all_runs()
    points = sum(_points(key, run_hash) for run_hash in hashes)
    return {"runs": len(hashes), "points": points, "status": []}


@verb
def one_of_many(points: int) -> None:
    series = aim.Run()
    for step in range(points):
        series.track(1.0 / (step + 1), name="loss", step=step)
    series.close()


if __name__ == "__main__":
    serve()
