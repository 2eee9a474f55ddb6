"""What the program writes to: how wide it is, what it can show, and where JSON goes."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from chiplog.cli.render import curves
from chiplog.cli.render.json import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from chiplog.cli.render.table import Table

UNLIMITED = 100_000
_PROBE = "…─│▁█░↑✓"


@dataclass
class Terminal:
    """Standard output as a place for people.

    A pipe or a file has no width: nothing is cut there, so that ``grep`` and ``cut`` see it all.

    Attributes:
        console: rich's view of it; markup and highlighting are off, since what is printed comes
            from users.
        width: cells in a line.
        unicode: whether it can show more than ASCII.
    """

    console: Console
    width: int
    unicode: bool

    @property
    def characters(self) -> curves.Characters:
        """What curves are drawn with."""
        return curves.UNICODE if self.unicode else curves.ASCII

    @property
    def is_tty(self) -> bool:
        """Whether somebody is looking."""
        return self.console.is_terminal

    def print(self, *lines: str | Text) -> None:
        """Print lines as they are."""
        for line in lines:
            self.console.print(line, soft_wrap=True)

    def wrapped(self, line: Text, indent: int) -> None:
        """Print a line; where it is too long, what follows stands ``indent`` cells in."""
        first, *others = self._folded(line, indent)
        self.print(first, *(Text(" " * indent) + other for other in others))

    def _folded(self, text: Text, taken: int) -> list[Text]:
        """A text in lines that leave ``taken`` cells free; one line where nobody is looking."""
        if not self.is_tty:
            return [text]
        return list(text.wrap(self.console, max(self.width - taken, 20))) or [text]

    def note(self, text: str) -> None:
        """Print what is said beside the matter."""
        self.print(Text(text, style="dim"))

    def title(self, text: str) -> None:
        """Print the heading of a section, an empty line before it."""
        self.print("", Text(text, style="bold"))

    def fields(self, pairs: Sequence[tuple[str, str | Text]], indent: int = 2) -> None:
        """Print names and values, the values below each other."""
        width = max((len(name) for name, _ in pairs), default=0) + 2
        for name, value in pairs:
            head = Text(" " * indent + name.ljust(width), style="dim")
            text = value if isinstance(value, Text) else Text(value)
            first, *others = self._folded(text, indent + width)
            self.print(Text().append_text(head).append_text(first))
            self.print(*(Text(" " * (indent + width)) + other for other in others))

    def table(self, table: Table, indent: int = 0) -> list[str]:
        """Print a table; the headers of the columns that did not fit."""
        width = self.width - indent
        for line in table.lines(width, unicode=self.unicode):
            line.rstrip()
            self.print(Text(" " * indent) + line)
        return table.left_out(width)

    def mark(self, good: bool | None) -> Text:
        """A tick, a cross, or for None an exclamation mark."""
        if good is None:
            return Text("!", style="bold yellow")
        if good:
            return Text("✓" if self.unicode else "+", style="green")
        return Text("✗" if self.unicode else "x", style="bold red")


def terminal() -> Terminal:
    """Standard output as it is now."""
    return _terminal_on(sys.stdout)


def _terminal_on(stream: Any, *, stderr: bool = False) -> Terminal:
    colour = click.get_current_context(silent=True)
    console = Console(
        file=stream,
        markup=False,
        highlight=False,
        emoji=False,
        stderr=stderr,
        no_color=True if colour is not None and colour.color is False else None,
    )
    try:
        _PROBE.encode(stream.encoding or "ascii")
        unicode = True
    except (UnicodeEncodeError, LookupError):
        unicode = False
    return Terminal(console, console.width if console.is_terminal else UNLIMITED, unicode)


def echo_json(document: object) -> None:
    """Print one JSON document, with no colour."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    click.echo(dumps(document, ascii_only=not encoding.startswith("utf")), color=False)


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Give a callable that is told of each bit of progress; a bar appears after a second.

    The bar stands on stderr, and only where somebody is looking.
    """
    console = Console(stderr=True)
    began = time.monotonic()
    bar: Any = None
    task: Any = None
    done = 0

    def advance(amount: int) -> None:
        nonlocal bar, task, done
        done += amount
        if bar is None and console.is_terminal and time.monotonic() - began > 1:
            from rich.progress import Progress

            bar = Progress(console=console, transient=True)
            bar.start()
            task = bar.add_task(what, total=total)
        if bar is not None:
            bar.update(task, completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def followed(what: str, items: Iterable[Any], total: int | None = None) -> Iterator[Any]:
    """The items, one step of progress each."""
    with progress(what, total) as advance:
        for item in items:
            yield item
            advance(1)
