"""Pages by key: a token holds the sort values of the last row, and the next page begins behind it.

Nothing is counted or skipped, so the thousandth page costs what the first one does, and rows that
come or go in between neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.store.sql.engine import AnyRow, AnySelect, Transaction

LARGEST_PAGE = 50_000


@dataclass(frozen=True)
class SortColumn:
    """Something to sort by that is never NULL."""

    expression: Any
    descending: bool = False

    def ordered(self) -> sa.UnaryExpression[Any]:
        """The expression for ORDER BY."""
        column: sa.ColumnElement[Any] = self.expression
        return column.desc() if self.descending else column.asc()


def behind(columns: Sequence[SortColumn], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """The rows that come after the one with these sort values."""
    condition: sa.ColumnElement[bool] = sa.false()
    for column, value in reversed(list(zip(columns, values, strict=True))):
        expression = column.expression
        later = expression < value if column.descending else expression > value
        condition = sa.or_(later, sa.and_(expression == value, condition))
    first, value = columns[0], values[0]
    bound = first.expression <= value if first.descending else first.expression >= value
    return sa.and_(bound, condition)  # the bound lets an index begin at the right place


def fetch_page(
    tx: Transaction,
    statement: AnySelect,
    columns: Sequence[SortColumn],
    *,
    max_results: int,
    scope: bytes,
    after: Sequence[Any] | None,
) -> tuple[list[AnyRow], str | None]:
    """A page of a select that begins with the sort columns, and the token for the next page."""
    if after is not None:
        statement = statement.where(behind(columns, after))
    statement = statement.order_by(*(column.ordered() for column in columns))
    rows = list(tx.execute(statement.limit(max_results + 1)))
    if len(rows) <= max_results:
        return rows, None
    del rows[max_results:]
    return rows, make_token(scope, rows[-1][: len(columns)])


def sort_key(columns: Sequence[SortColumn], values: Sequence[Any]) -> tuple[Any, ...]:
    """A key by which Python sorts rows of several queries as the database does."""
    return tuple(
        Reversed(value) if column.descending else value
        for column, value in zip(columns, values, strict=False)
    )


@dataclass(frozen=True, slots=True)
class Reversed:
    """A value that sorts the other way round."""

    value: Any

    def __lt__(self, other: Reversed) -> bool:
        return bool(other.value < self.value)


def scope_of(*parts: object) -> bytes:
    """What a token belongs to: a digest of everything that a search was asked."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def make_token(scope: bytes, values: Sequence[Any]) -> str:
    """The token for the page behind the row with these sort values."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode((scope, list(values)))).decode()


def read_token(
    token: str | bytes | None, scope: bytes, like: Sequence[type] | None = None
) -> list[Any] | None:
    """The sort values in a token; raises InvalidValue for one of another search or of no search.

    ``like`` are the types that the values must have.
    """
    if not token:
        return None
    text = token.decode("ascii", "replace") if isinstance(token, bytes) else str(token)
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        found_scope, values = msgspec.msgpack.decode(raw, type=tuple[bytes, list[Any]])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise InvalidValue(
            f"The page token {text!r} is not one of chiplog's. Use the token of the page before, "
            "or none for the first page."
        ) from None
    fits = like is None or [type(value) for value in values] == list(like)
    if found_scope != scope or not fits:
        raise InvalidValue(
            "The page token belongs to another search. Ask for the next page with the same "
            "experiments, filter, order and view type as for the page before."
        )
    return values


def check_page_size(max_results: int) -> None:
    """Raise InvalidValue for a page size that is no number from 1 to 50000."""
    if not isinstance(max_results, int) or not 1 <= max_results <= LARGEST_PAGE:
        raise InvalidValue(
            f"max_results must be a whole number from 1 to {LARGEST_PAGE}, not {max_results!r}."
        )
