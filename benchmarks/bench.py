"""What every figure measures with: the tools that are there, their workers, turns, a bar."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.environment import quiet_environment
from benchmarks.interleaving import interleave
from benchmarks.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from benchmarks.report import Report

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A measurable promise: its name on the command line and how it is measured."""

    name: str
    measure: Callable[[Bench], list[Report]]


@dataclass(frozen=True)
class Contender:
    """A tool in one of its modes.

    Attributes:
        tool: the worker's module.
        mode: shown behind the tool's name where there are several.
        options: arguments of the mode for the worker's verbs.
    """

    tool: str
    mode: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The line's title in a table."""
        return f"{self.tool} ({self.mode})" if self.mode else self.tool


class Bench:
    """One run of the benchmarks.

    Args:
        peers_python: the interpreter of the peers' environment, or None to leave the peers out.
        peers: which of them are installed there.
        scratch: a folder on a real disk; each worker gets a folder in it.
        quick: fewer rounds and smaller data, to see that all works.
        console: where the tables go.
    """

    def __init__(
        self,
        peers_python: Path | None,
        peers: list[str],
        scratch: Path,
        console: Console,
        *,
        quick: bool,
    ) -> None:
        self.quick = quick
        self.console = console
        self.scratch = scratch
        self._python: dict[str, Path] = {"chiplog": Path(sys.executable)}
        self._python["plain"] = Path(sys.executable)
        if peers_python is not None:
            self._python |= dict.fromkeys(peers, peers_python)
        self._folders = 0

    def of(self, full: T, quick: T) -> T:
        """The size for this run: the first normally, the second with ``--quick``."""
        return quick if self.quick else full

    def present(self, *contenders: Contender) -> list[Contender]:
        """Those whose tool is installed."""
        return [contender for contender in contenders if contender.tool in self._python]

    def python(self, tool: str) -> Path:
        """The interpreter that has ``tool``."""
        return self._python[tool]

    def folder(self, tool: str) -> Path:
        """A new, empty working directory, with a place of its own for chiplog's files."""
        self._folders += 1
        folder = self.scratch / f"{self._folders:04}-{tool}"
        (folder / ".chiplog").mkdir(parents=True)
        return folder

    def worker(self, tool: str, folder: Path | None = None) -> Worker:
        """Start a worker of ``tool`` in ``folder``, or in one of its own."""
        folder = folder or self.folder(tool)
        environment = quiet_environment(folder / "home")
        (folder / "home").mkdir(exist_ok=True)
        return Worker(tool, self._python[tool], folder, environment)

    @contextmanager
    def workers(self, contenders: list[Contender]) -> Iterator[dict[str, Worker]]:
        """A worker for each contender, by name, all ended at the end."""
        with ExitStack() as stack:
            yield {c.name: stack.enter_context(self.worker(c.tool)) for c in contenders}

    def take_turns(
        self,
        contenders: list[Contender],
        once: Callable[[Contender], T],
        rounds: int,
        title: str,
    ) -> tuple[dict[str, list[T]], dict[str, str]]:
        """Measure each contender once a round, in turns: name -> results, and name -> failure."""
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        ) as progress:
            task = progress.add_task(title)

            def seen(name: str, number: int) -> None:
                text = f"{title}: round {number + 1} of {rounds}, {name}"
                progress.update(task, description=text)

            return interleave({c.name: partial(once, c) for c in contenders}, rounds, seen)

    def clear(self) -> None:
        """Remove what the workers wrote."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
