# mypy: ignore-errors
# (tensorboardX is not installed where the types are checked.)
"""tensorboardX on its default: one event file a writer, flushed every 2 minutes and at the end."""

from __future__ import annotations

import itertools
import os
import signal
import struct
import time
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event

from benchmarks.workers import data
from benchmarks.workers.protocol import folder_size, serve, summary, verb, work

_open: dict[str, SummaryWriter] = {}
_numbers = itertools.count()


def _new_writer() -> SummaryWriter:
    return SummaryWriter(f"runs/{os.getpid()}-{next(_numbers)}")


def _read(folder: str) -> list[str]:
    """The tags of all complete records of the event files in ``folder``, one a value."""
    found = []
    for path in sorted(Path(folder).rglob("events.*")):
        content, at = path.read_bytes(), 0
        while at + 12 <= len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            if at + 16 + length > len(content):
                break
            event = Event.FromString(content[at + 12 : at + 12 + length])
            found += [value.tag for value in event.summary.value]
            at += 16 + length
    return found


@verb
def begin() -> None:
    _open["writer"] = _new_writer()
    _open["writer"].add_scalar("warm", 0.0, 0)


@verb
def log_metric(count: int, between: float = 0.0) -> dict:
    values = data.noisy_loss(count)
    taken = [0] * count
    writer, clock = _open["writer"], time.perf_counter_ns
    for step, value in enumerate(values):
        work(between)
        start = clock()
        writer.add_scalar("loss", value, step)
        taken[step] = clock() - start
    return summary(taken)


@verb
def drain() -> None:
    _open["writer"].flush()


@verb
def sustained(count: int) -> float:
    values = data.noisy_loss(count)
    start = time.perf_counter()
    with _new_writer() as series:
        for step, value in enumerate(values):
            series.add_scalar("loss", value, step)
    seconds = time.perf_counter() - start
    readable = _read(series.logdir).count("loss")
    assert readable == count, f"{readable} of {count} points are readable"
    return seconds


@verb
def size(count: int) -> int:
    with _new_writer() as series:
        for step, value in enumerate(data.noisy_loss(count)):
            series.add_scalar("loss", value, step)
    return folder_size(".")


@verb
def short_run() -> float:
    """Parameters and tags are texts here: TensorBoard has neither."""
    start = time.perf_counter()
    with _new_writer() as short:
        for key, value in (data.PARAMS | data.TAGS).items():
            short.add_text(key, value)
        for key, value in data.METRICS.items():
            short.add_scalar(key, value, 0)
    read = _read(short.logdir)
    seconds = time.perf_counter() - start
    assert len(read) == 35, read
    return seconds


@verb
def die_after(count: int, seconds: float) -> None:
    dying = _new_writer()
    for step, value in enumerate(data.noisy_loss(count)):
        time.sleep(seconds)
        dying.add_scalar("loss", value, step)
    os.kill(os.getpid(), signal.SIGKILL)


@verb
def surviving(key: str = "loss") -> dict:
    runs = [path for path in Path("runs").iterdir() if path.is_dir()]
    return {"runs": len(runs), "points": _read("runs").count(key), "status": []}


@verb
def one_of_many(points: int) -> None:
    with _new_writer() as series:
        for step in range(points):
            series.add_scalar("loss", 1.0 / (step + 1), step)


if __name__ == "__main__":
    serve()
