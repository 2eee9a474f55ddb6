"""Names and values below each other, in as many columns as fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from chiplog.cli.render.text import printable, shorten, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 3
_LONGEST_NAME = 36
_LEAST_VALUE = 12


def pair_lines(
    pairs: Sequence[tuple[str, str]],
    width: int,
    *,
    right: bool = False,
    most_columns: int = 3,
    unicode: bool = True,
) -> list[Text]:
    """Lines of ``name  value``, read column by column; what is too long is cut in the middle.

    With ``right`` the values stand right, as numbers do.
    """
    if not pairs:
        return []
    clean = [(printable(name), printable(value)) for name, value in pairs]
    names = max(width_of(name) for name, _ in clean)
    values = max(width_of(value) for _, value in clean)
    columns = max(1, min(most_columns, (width + GAP) // (names + 2 + values + GAP), len(clean)))
    if columns == 1:
        names = min(names, max(_LONGEST_NAME, width - 2 - values), max(width - 2 - _LEAST_VALUE, 8))
        values = max(1, min(values, width - names - 2))
    ellipsis = "…" if unicode else "..."
    height = -(-len(clean) // columns)
    lines = []
    for row in range(height):
        line = Text()
        for column in range(columns):
            index = column * height + row
            if index >= len(clean):
                break
            name, value = (
                shorten(clean[index][0], names, ellipsis),
                shorten(clean[index][1], values, ellipsis),
            )
            padding = " " * (values - width_of(value))
            line.append(" " * GAP if column else "")
            line.append(name + " " * (names - width_of(name)) + "  ", style="dim")
            line.append(padding + value if right else value + padding)
        line.rstrip()
        lines.append(line)
    return lines
