"""Statements that are compiled once and then run by the driver itself.

SQLAlchemy writes the text, so it fits every database; its work per call and per row, which would
cost more than the insert, is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.base import Executable


class Prepared:
    """A statement with named values, given by position when it runs."""

    def __init__(self, statement: Executable, names: Sequence[str]) -> None:
        self.statement = statement
        self.names = list(names)
        self._texts: dict[str, str] = {}

    def text(self, dialect: Dialect) -> str:
        """The statement as this database's driver takes it."""
        found = self._texts.get(dialect.name)
        if found is None:
            compiled = self.statement.compile(dialect=positional(dialect))  # type: ignore[attr-defined]
            order = list(compiled.positiontup or [])
            assert order == self.names, f"{compiled.string}: {order} instead of {self.names}"
            found = self._texts[dialect.name] = str(compiled.string)
        return found


def positional(dialect: Dialect) -> Dialect:
    """A dialect whose statements take their values by position, as tuples."""
    style: Any = "qmark" if dialect.name == "sqlite" else "format"
    return type(dialect)(paramstyle=style)  # type: ignore[call-arg]


def insert(table: sa.Table, *names: str) -> Prepared:
    """Insert rows that give ``names``, which stand in the table's order; all columns by default."""
    chosen = names or tuple(column.name for column in table.columns)
    values: dict[str, Any] = {name: sa.bindparam(name) for name in chosen}
    return Prepared(table.insert().values(values).inline(), chosen)


def update(table: sa.Table, set_: Sequence[str], where: Sequence[str]) -> Prepared:
    """Set columns of the rows where others have given values; first the new values, then those."""
    condition = sa.and_(*(table.c[name] == sa.bindparam(f"where_{name}") for name in where))
    values: dict[str, Any] = {name: sa.bindparam(name) for name in set_}
    names = [*set_, *(f"where_{name}" for name in where)]
    return Prepared(table.update().where(condition).values(values), names)


def delete(table: sa.Table, *where: str) -> Prepared:
    """Delete the rows where columns have given values."""
    condition = sa.and_(*(table.c[name] == sa.bindparam(name) for name in where))
    return Prepared(table.delete().where(condition), where)


def select(table: sa.Table, columns: Sequence[str], where: Sequence[str]) -> Prepared:
    """Read columns of the rows where others have given values."""
    condition = sa.and_(*(table.c[name] == sa.bindparam(name) for name in where))
    return Prepared(sa.select(*(table.c[name] for name in columns)).where(condition), where)
