"""How the harness talks to a tool's worker: one JSON object a line, in and out.

Only the standard library: a worker runs in the environment of the tool it measures.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

VERBS: dict[str, Callable[..., object]] = {}


def verb(function: Callable[..., object]) -> Callable[..., object]:
    """Let the harness call ``function`` by its name."""
    VERBS[function.__name__] = function
    return function


def serve() -> None:
    """Answer calls until the harness closes the pipe.

    What a tool prints goes to stderr: standard output belongs to the answers.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        call = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"result": _named(call["verb"])(**call["arguments"])}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _named(name: str) -> Callable[..., object]:
    if name not in VERBS:
        raise LookupError(f"this tool's worker has no {name!r}")
    return VERBS[name]


@verb
def verbs() -> list[str]:
    """What this worker can do."""
    return sorted(VERBS)


@verb
def version(distribution: str) -> str:
    """The installed version of a distribution."""
    return metadata.version(distribution)


@verb
def pause(seconds: float) -> None:
    """Do nothing for a while."""
    time.sleep(seconds)


def summary(nanoseconds: list[int]) -> dict[str, float]:
    """The quantiles of single calls, in seconds."""
    ordered = sorted(nanoseconds)
    last = len(ordered) - 1

    def quantile(part: float) -> float:
        return ordered[round(part * last)] / 1e9

    return {
        "median": quantile(0.5),
        "p99": quantile(0.99),
        "p999": quantile(0.999),
        "max": ordered[-1] / 1e9,
        "mean": sum(ordered) / len(ordered) / 1e9,
    }


def work(seconds: float) -> None:
    """Keep the interpreter busy for ``seconds``, as a training step does between two calls."""
    if not seconds:
        return
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def folder_size(folder: str) -> int:
    """Bytes of all files below ``folder``."""
    return sum(
        path.stat().st_size
        for path in Path(folder).rglob("*")
        if path.is_file() and not path.is_symlink()
    )
