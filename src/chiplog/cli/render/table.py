"""Tables that fit the terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.text import Text

from chiplog.cli.render.text import printable, shorten, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GAP = 2
_RULE = "─"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        header: its title.
        right: numbers stand right.
        shrink: how far it may be narrowed, in cells; None: not at all.
        style: how its cells look.
        drop: left out when the terminal is too narrow for all, the greatest first; 0: never.
        stack: where the width is limited, its header may take several lines, cut at underscores.
    """

    header: str
    right: bool = False
    shrink: int | None = None
    style: str = ""
    drop: int = 0
    stack: bool = False


@dataclass
class Table:
    """Rows under headers. Cells are text, or Text where a cell has a style of its own."""

    columns: Sequence[Column]
    rows: list[Sequence[str | Text]] = field(default_factory=list)

    def add(self, *cells: str | Text) -> None:
        """Add a row."""
        assert len(cells) == len(self.columns)
        self.rows.append([c if isinstance(c, Text) else printable(c) for c in cells])

    def left_out(self, width: int) -> list[str]:
        """The headers of the columns that do not fit."""
        shown = self._shown(width)
        return [c.header for i, c in enumerate(self.columns) if i not in shown]

    def lines(self, width: int, *, unicode: bool = True) -> Iterable[Text]:
        """The table in lines of at most ``width`` cells, as far as its columns can shrink."""
        shown = self._shown(width)
        widths = self._fitted(shown, width)
        ellipsis = "…" if unicode else "..."
        headers = [self._header(i) for i in shown]
        height = max(map(len, headers), default=0)
        for texts in zip(*([""] * (height - len(lines)) + lines for lines in headers), strict=True):
            yield self._line([Text(text, style="bold") for text in texts], shown, widths, ellipsis)
        rule = _RULE if unicode else "-"
        yield Text((" " * GAP).join(rule * widths[i] for i in shown), style="dim")
        for row in self.rows:
            cells = [
                cell if isinstance(cell, Text) else Text(cell, style=self.columns[i].style)
                for i, cell in ((i, row[i]) for i in shown)
            ]
            yield self._line(cells, shown, widths, ellipsis)

    def _line(
        self, cells: list[Text], shown: list[int], widths: dict[int, int], ellipsis: str
    ) -> Text:
        line = Text()
        for position, (index, cell) in enumerate(zip(shown, cells, strict=True)):
            text = shorten(cell.plain, widths[index], ellipsis)
            fitted = cell if text == cell.plain else Text(text, style=cell.style)
            padding = " " * (widths[index] - width_of(text))
            right = self.columns[index].right
            line.append(padding if right else "")
            line.append_text(fitted)
            if position < len(shown) - 1:
                line.append(("" if right else padding) + " " * GAP)
        return line

    def _natural(self, index: int) -> int:
        cells = (row[index] for row in self.rows)
        longest = max((width_of(c.plain if isinstance(c, Text) else c) for c in cells), default=0)
        return max(longest, *map(width_of, self._header(index)))

    def _header(self, index: int) -> list[str]:
        """The lines of a column's header."""
        column = self.columns[index]
        return stacked(column.header) if column.stack else [column.header]

    def _least(self, index: int) -> int:
        shrink = self.columns[index].shrink
        natural = self._natural(index)
        return natural if shrink is None else min(natural, shrink)

    def _shown(self, width: int) -> list[int]:
        shown = list(range(len(self.columns)))
        least = [self._least(index) for index in shown]
        droppable = sorted(
            (index for index in shown if self.columns[index].drop),
            key=lambda index: (self.columns[index].drop, index),
        )
        while droppable and sum(least[i] + GAP for i in shown) - GAP > width:
            shown.remove(droppable.pop())
        return shown

    def _fitted(self, shown: list[int], width: int) -> dict[int, int]:
        """The columns' widths: the widest that may shrink gives first."""
        widths = {index: self._natural(index) for index in shown}
        least = {index: self._least(index) for index in shown}
        excess = sum(widths.values()) + GAP * (len(shown) - 1) - width
        while excess > 0:
            givers = [index for index in shown if widths[index] > least[index]]
            if not givers:
                break
            widest = max(givers, key=lambda index: widths[index])
            widths[widest] -= 1
            excess -= 1
        return widths


def stacked(header: str, width: int = 10) -> list[str]:
    """A header in lines of about ``width`` cells, cut behind its underscores and slashes."""
    lines = [""]
    for part in re.findall(r"[^_/]*[_/]|[^_/]+", header):
        if lines[-1] and width_of(lines[-1] + part.rstrip("_")) > width:
            lines.append("")
        lines[-1] += part
    return lines
