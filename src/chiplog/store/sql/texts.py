"""Parameter and tag values as they lie in the tables: a head that is indexed, and a tail."""

from __future__ import annotations

from chiplog.store.sql.schema import HEAD_LENGTH


def split(value: str) -> tuple[str, str | None]:
    """The head and the tail of a text; the tail of a short one is None."""
    if len(value) <= HEAD_LENGTH:
        return value, None
    return value[:HEAD_LENGTH], value[HEAD_LENGTH:]


def join(head: str, tail: str | None) -> str:
    """The text again."""
    return head if tail is None else head + tail
