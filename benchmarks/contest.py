"""Tools measured against each other in one go; who fails drops out, and the others go on."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.interleaving import interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from benchmarks.worker import Worker

T = TypeVar("T")


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


class Contest:
    """Contenders that take turns, each with a worker process of its own while the contest is open.

    Attributes:
        failed: name -> reason, of those that dropped out.
    """

    def __init__(
        self,
        contenders: list[Contender],
        start: Callable[[str], Worker],
        console: Console,
    ) -> None:
        self._contenders = {contender.name: contender for contender in contenders}
        self._start = start
        self._console = console
        self._workers: dict[str, Worker] = {}
        self._open = ExitStack()
        self.failed: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def call(self, contender: Contender, verb: str, **arguments: object) -> Any:
        """Let the contender's worker, which is started if need be, do something."""
        worker = self._workers.get(contender.name)
        if worker is None:
            worker = self._open.enter_context(self._start(contender.tool))
            self._workers[contender.name] = worker
        return worker.call(verb, **arguments)

    def seconds(self, contender: Contender, verb: str, **arguments: object) -> float:
        """What a verb answers that measures a time."""
        return float(self.call(contender, verb, **arguments))

    def once(self, measure: Callable[[Contender], T], title: str) -> dict[str, T]:
        """Measure everybody once: a first time, or a preparation."""
        return {name: values[0] for name, values in self.rounds(measure, 1, title).items()}

    def rounds(
        self, measure: Callable[[Contender], T], rounds: int, title: str
    ) -> dict[str, list[T]]:
        """Measure everybody that is still there once a round, in turns."""
        going = {
            name: partial(measure, contender)
            for name, contender in self._contenders.items()
            if name not in self.failed
        }
        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title)

            def begins(name: str, number: int) -> None:
                text = f"{title}: {name}, {number + 1} of {rounds}"
                progress.update(task, description=text)

            results, failed = interleave(going, rounds, begins)
        self.failed |= failed
        return {name: values for name, values in results.items() if name not in failed}
