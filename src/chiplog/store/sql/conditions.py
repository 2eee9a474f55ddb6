"""Comparisons as SQL, the same on every database."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.search import Comparison, Not, Or
from chiplog.store.sql import doubles
from chiplog.store.sql.schema import HEAD_LENGTH
from chiplog.store.sql.texts import split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chiplog.core.search import Tree

Condition = sa.ColumnElement[bool]
Interval = tuple[int, int]

_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
_FAR: Final = 1e300


def combined(tree: Tree, compare: Callable[[Comparison], Condition]) -> Condition:
    """A filter, of which ``compare`` makes the comparisons."""
    if isinstance(tree, Comparison):
        return compare(tree)
    if isinstance(tree, Not):
        return sa.not_(combined(tree.part, compare))
    parts = [combined(part, compare) for part in tree.parts]
    return sa.or_(*parts) if isinstance(tree, Or) else sa.and_(*parts)


def number_condition(column: sa.ColumnElement[Any], operator: str, value: float) -> Condition:
    """A number column compared; false where it is NULL."""
    if isinstance(value, float) and math.isnan(value):
        return column.is_not(None) if operator == "!=" else sa.false()
    if not _LEAST <= value <= _MOST:
        value = math.copysign(_FAR, value)
    compared: Condition = _COMPARE[operator](column, value)
    return sa.and_(column.is_not(None), compared)


_COMPARE: Final[dict[str, Any]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def text_condition(
    text: sa.ColumnElement[Any], operator: str, value: Any, dialect: sa.Dialect
) -> Condition:
    """A text compared; false where it is NULL. LIKE minds case on every database, ILIKE on none."""
    if operator in {"IS NULL", "IS NOT NULL"}:
        return text.is_(None) if operator == "IS NULL" else text.is_not(None)
    if operator == "ILIKE":
        return _like(sa.func.lower(text), value.lower(), dialect)
    if operator == "LIKE":
        return _like(text, value, dialect)
    there = text.is_not(None)
    if operator in {"IN", "NOT IN"}:
        return sa.and_(there, text.in_(value) if operator == "IN" else text.not_in(value))
    compared: Condition = _COMPARE[operator](text, value)
    return sa.and_(there, compared)


def _like(text: sa.ColumnElement[Any], pattern: str, dialect: sa.Dialect) -> Condition:
    """Only % and _ are special in a pattern; nothing escapes them."""
    if dialect.name == "sqlite":  # its LIKE ignores case; GLOB does not
        glob = "".join(_GLOB.get(sign, sign) for sign in pattern)
        return sa.and_(text.is_not(None), text.op("GLOB", is_comparison=True)(glob))
    return sa.and_(text.is_not(None), text.like(pattern.replace("\\", "\\\\")))


def starts_with(text: sa.ColumnElement[Any], pattern: str) -> list[Condition]:
    """What an index can say of a pattern of LIKE: how the text begins; nothing if it is open.

    Only the first :data:`HEAD_LENGTH` characters are looked at.
    """
    prefix = re.split("[%_]", pattern, maxsplit=1)[0][:HEAD_LENGTH]
    if not prefix:
        return []
    following = ord(prefix[-1]) + 1
    if 0xD800 <= following < 0xE000:  # half a surrogate pair is no text
        following = 0xE000
    if following > sys.maxunicode:
        return [text >= prefix]
    return [text >= prefix, text < prefix[:-1] + chr(following)]


_GLOB: Final = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


def intervals(operator: str, value: float) -> list[Interval]:
    """The stored doubles (:mod:`.doubles`) for which a comparison holds, both ends included."""
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value)
    if math.isnan(number):
        if operator == "=":
            return [(_LEAST, doubles.LOWEST - 1), (doubles.HIGHEST + 1, _MOST)]
        return [(doubles.LOWEST, doubles.HIGHEST)] if operator == "!=" else []
    low, high = doubles.span(number)
    found = {
        "=": [(low, high)],
        "!=": [(_LEAST, low - 1), (high + 1, _MOST)],
        "<": [(doubles.LOWEST, low - 1)],
        "<=": [(doubles.LOWEST, high)],
        ">": [(high + 1, doubles.HIGHEST)],
        ">=": [(low, doubles.HIGHEST)],
    }[operator]
    return [(first, last) for first, last in found if first <= last]


def within(column: sa.ColumnElement[Any], among: Sequence[Interval]) -> Condition:
    """A column that lies in one of the intervals."""
    return sa.or_(sa.false(), *(column.between(first, last) for first, last in among))


def cut_text_condition(table: Any, comparison: Comparison, dialect: sa.Dialect) -> Condition:
    """The text in a table's ``head`` and ``tail`` compared, by the index where that is possible."""
    value: Any = comparison.value
    operator = comparison.operator
    if operator in {"=", "!="}:
        same = cut_text_equals(table, [value])
        return same if operator == "=" else sa.not_(same)
    if operator in {"IN", "NOT IN"}:
        among = cut_text_equals(table, value)
        return among if operator == "IN" else sa.not_(among)
    whole = table.c.head.concat(sa.func.coalesce(table.c.tail, ""))
    return text_condition(whole, operator, value, dialect)


def cut_text_equals(table: Any, values: Sequence[str]) -> Condition:
    """The text in ``head`` and ``tail`` is one of these."""
    parts = [split(value) for value in values]
    short = [head for head, tail in parts if tail is None]
    long = [(head, tail) for head, tail in parts if tail is not None]
    cases = [
        sa.and_(table.c.head == head, sa.func.coalesce(table.c.tail, "") == tail)
        for head, tail in long
    ]
    if short:
        one = table.c.head == short[0] if len(short) == 1 else table.c.head.in_(short)
        cases.append(sa.and_(one, table.c.tail.is_(None)))
    return sa.or_(*cases)
