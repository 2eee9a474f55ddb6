"""The typed tree of a filter, and its text.

Two trees are equal if they say the same; where each comparison stood in the text does not count.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Scalar = str | int | float


class Kind(StrEnum):
    """What a key names. The value is the prefix it is written with."""

    ATTRIBUTE = "attributes"
    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    DATASET = "datasets"


@dataclass(frozen=True, slots=True)
class Key:
    """The left side of a comparison, or what to sort by.

    Attributes:
        kind: what it names.
        name: a metric's, parameter's or tag's name, or an attribute by its one true spelling.
        numeric: whether it is compared as a number.
    """

    kind: Kind
    name: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """``key operator value``. ``value`` is a tuple for IN lists and None for IS [NOT] NULL.

    Every operator but IS NULL is false for what lacks the key, ``!=`` and NOT IN included.
    """

    key: Key
    operator: str
    value: Scalar | tuple[str, ...] | None = None
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of its parts hold."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of its parts holds."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Its part does not hold; so it includes what lacks the key that its part asks for."""

    part: Tree


Tree = Comparison | And | Or | Not


def comparisons(tree: Tree | None) -> Iterator[Comparison]:
    """Every comparison in a tree, from left to right."""
    if tree is None:
        return
    if isinstance(tree, Comparison):
        yield tree
    elif isinstance(tree, Not):
        yield from comparisons(tree.part)
    else:
        for part in tree.parts:
            yield from comparisons(part)


def to_text(tree: Tree | None) -> str:
    """A text that parses back to this tree; empty for no tree."""
    if tree is None:
        return ""
    if isinstance(tree, Comparison):
        return _comparison(tree)
    if isinstance(tree, Not):
        inner = to_text(tree.part)
        return f"NOT {inner}" if isinstance(tree.part, Comparison | Not) else f"NOT ({inner})"
    word = " AND " if isinstance(tree, And) else " OR "
    return word.join(
        f"({to_text(part)})" if isinstance(part, And | Or) else to_text(part) for part in tree.parts
    )


def _comparison(node: Comparison) -> str:
    left = f"{node.key.kind.value}.{_name(node.key.name)} {node.operator}"
    if node.value is None:
        return left
    if isinstance(node.value, tuple):
        return f"{left} ({', '.join(quote(item) for item in node.value)})"
    if isinstance(node.value, str):
        return f"{left} {quote(node.value)}"
    return f"{left} {_number(node.value)}"


def _name(name: str) -> str:
    if re.fullmatch(r"[\w./\-]+", name):
        return name
    return "`" + name.replace("`", "``") + "`"


def quote(text: str) -> str:
    """The text as a string of the grammar; a quote inside is doubled."""
    return "'" + text.replace("'", "''") + "'"


def _number(value: float) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return repr(value)
