"""A tool's worker as the harness sees it: a process that answers calls."""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


class WorkerError(Exception):
    """The tool raised, died or took too long; the text says which."""


class WorkerDiedError(WorkerError):
    """The process ended in the middle of a call."""


class Worker:
    """One process that runs ``benchmarks.workers.<tool>`` in a folder of its own.

    Args:
        tool: the worker's module.
        python: the interpreter of the environment that has the tool.
        folder: the working directory, in which the tool keeps everything.
        environment: the process's environment variables.
    """

    def __init__(self, tool: str, python: Path, folder: Path, environment: dict[str, str]) -> None:
        self.tool = tool
        self.patience = 600.0  # seconds that an answer may take
        folder.mkdir(parents=True, exist_ok=True)
        self._messages = (folder / "stderr.txt").open("a")
        self._process = subprocess.Popen(
            [str(python), "-m", f"benchmarks.workers.{tool}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, verb: str, **arguments: object) -> Any:
        """Run a verb of the worker and hand back its result; raises WorkerError."""
        self.send(verb, **arguments)
        return self.receive()

    def send(self, verb: str, **arguments: object) -> None:
        """Start a verb without waiting, so that several workers can run at once."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"verb": verb, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(f"{self.tool} died before {verb!r}") from None

    def receive(self) -> Any:
        """The result of the verb that was sent last; raises WorkerError."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            if not ready.select(self.patience):
                self._process.kill()
                raise WorkerError(f"{self.tool} took more than {self.patience:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerDiedError(f"{self.tool} died with exit code {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{self.tool}: {answer['error']}")
        return answer["result"]

    def receive_death(self) -> None:
        """Wait until the verb that was sent last has ended the process; raises WorkerError."""
        try:
            self.receive()
        except WorkerDiedError:
            return
        raise WorkerError(f"{self.tool} is still alive")

    def close(self) -> None:
        """End the process: close its input, then insist."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._messages.close()
