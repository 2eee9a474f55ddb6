"""What every figure measures with: the tools that are there, folders, workers, sizes."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchmarks.contest import Contender, Contest
from benchmarks.environment import quiet_environment
from benchmarks.report import REFERENCE
from benchmarks.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from benchmarks.report import Report

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A measurable promise: its name on the command line and how it is measured."""

    name: str
    measure: Callable[[Bench], list[Report]]


class Bench:
    """One run of the benchmarks.

    Args:
        peers: peer -> the interpreter of the environment that has it.
        scratch: a folder on a real disk; each worker gets a folder in it.
        quick: fewer rounds and smaller data, to see that all works.
        console: where progress is shown.
    """

    def __init__(
        self, peers: dict[str, Path], scratch: Path, console: Console, *, quick: bool
    ) -> None:
        self.quick = quick
        self._console = console
        self._scratch = scratch
        ours = Path(sys.executable)
        self._python = {"chiplog": ours, "plain": ours, **peers}
        self._folders = 0

    def of(self, full: T, quick: T) -> T:
        """The size for this run: the first normally, the second with ``--quick``."""
        return quick if self.quick else full

    def contest(self, *contenders: Contender | str) -> Contest:
        """A contest of those whose tool is installed; a quick one leaves out peers' other modes."""
        named = [Contender(c) if isinstance(c, str) else c for c in contenders]
        present = [
            contender
            for contender in named
            if contender.tool in self._python
            and not (self.quick and contender.mode and contender.tool != REFERENCE)
        ]
        return Contest(present, self.worker, self._console)

    def python(self, tool: str) -> Path:
        """The interpreter that has ``tool``."""
        return self._python[tool]

    def folder(self, name: str) -> Path:
        """A new, empty working directory, with a place of its own for chiplog's files."""
        self._folders += 1
        folder = self._scratch / f"{self._folders:04}-{name}"
        (folder / ".chiplog").mkdir(parents=True)
        return folder

    def worker(self, tool: str, folder: Path | None = None) -> Worker:
        """Start a worker of ``tool`` in ``folder``, or in one of its own."""
        folder = folder or self.folder(tool)
        home = folder / "home"
        home.mkdir(exist_ok=True)
        return Worker(tool, self._python[tool], folder, quiet_environment(home))

    def clear(self) -> None:
        """Remove what the workers wrote."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
