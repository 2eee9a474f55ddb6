"""What to sort by: ``"<key> [ASC|DESC]"``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chiplog.core.errors import InvalidValue
from chiplog.core.search.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.search.subjects import Subject
    from chiplog.core.search.tree import Key


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One sort key. What lacks the key comes last, in either direction."""

    key: Key
    descending: bool = False


def parse_order_by(items: Sequence[str] | None, subject: Subject) -> list[OrderBy]:
    """The sort keys that ``items`` name, the first one counting most.

    Raises InvalidValue for what is no key of ``subject``, and for a key named twice.
    """
    order: list[OrderBy] = []
    for item in items or ():
        if not isinstance(item, str):
            raise InvalidValue(f"order_by takes texts such as 'metrics.loss ASC', not {item!r}.")
        parsed = _parse(item, subject)
        if any(parsed.key == other.key for other in order):
            raise InvalidValue(f"order_by names {parsed.key.name!r} twice: {list(items or ())!r}.")
        order.append(parsed)
    return order


def _parse(text: str, subject: Subject) -> OrderBy:
    parser = Parser(text, subject, "order_by")
    start = parser.token
    key = parser.key()
    if key.kind not in subject.order_kinds:
        kinds = ", ".join(f"{kind.value}.x" for kind in subject.order_kinds)
        raise parser.wrong(f"a key to sort by, one of {kinds}", start)
    descending = parser.token.is_word("DESC")
    if parser.token.is_word("ASC", "DESC"):
        parser.take()
    parser.expect_end("ASC, DESC or the end")
    return OrderBy(key, descending)
