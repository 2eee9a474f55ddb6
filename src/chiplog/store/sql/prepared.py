"""Statements that are compiled once and then run by the driver itself.

SQLAlchemy writes the text, so it fits every database; its work per call and per row, which would
cost more than the statement, is left out. Rows come as the driver gives them: take them apart by
position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
            compiled = self.statement.compile(dialect=positional(dialect))  # type: ignore[attr-defined]  # every statement has it
            order = list(compiled.positiontup or [])
            assert order == self.names, f"{compiled.string}: {order} instead of {self.names}"
            found = self._texts[dialect.name] = str(compiled.string)
        return found


class Among:
    """A select for any number of values of one column, compiled for a few lengths of the list.

    A list is filled up with its last value to the next length, which changes nothing about what is
    found, and cut into several if it is longer than the longest.

    Args:
        make: the select, given the condition that the column is among the values.
        column: the column.
        fixed: names of further values, which come first.
    """

    def __init__(
        self,
        make: Callable[[sa.ColumnElement[bool]], Executable],
        column: sa.ColumnElement[Any],
        fixed: Sequence[str] = (),
    ) -> None:
        self._make = make
        self._column = column
        self._fixed = list(fixed)
        self._by_length: dict[int, Prepared] = {}

    def slices(self, values: Sequence[Any]) -> Iterator[tuple[Prepared, list[Any]]]:
        """The statements to run, each with its values but for the fixed ones."""
        for at in range(0, len(values), _LENGTHS[-1]):
            some = list(values[at : at + _LENGTHS[-1]])
            length = next(length for length in _LENGTHS if length >= len(some))
            some += some[-1:] * (length - len(some))
            yield self.of_length(length), some

    def of_length(self, length: int) -> Prepared:
        """The statement for a list of this length."""
        found = self._by_length.get(length)
        if found is None:
            names = [f"among_{number}" for number in range(length)]
            given = [sa.bindparam(name, type_=self._column.type) for name in names]
            among = self._column == given[0] if length == 1 else self._column.in_(given)
            found = Prepared(self._make(among), [*self._fixed, *names])
            self._by_length[length] = found
        return found


_LENGTHS: Final = (1, 4, 16, 64, 256, 512)


def positional(dialect: Dialect) -> Dialect:
    """A dialect whose statements take their values by position, as tuples."""
    style: Any = "qmark" if dialect.name == "sqlite" else "format"
    return type(dialect)(paramstyle=style)  # type: ignore[call-arg]  # the base class takes none


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


def select(
    table: sa.Table,
    columns: Sequence[str],
    where: Sequence[str],
    *,
    order_by: str | None = None,
    lock: bool = False,
) -> Prepared:
    """Read columns of the rows where others have given values, locked against others if asked."""
    condition = sa.and_(*(table.c[name] == sa.bindparam(name) for name in where))
    statement = sa.select(*(table.c[name] for name in columns)).where(condition)
    if order_by:
        statement = statement.order_by(table.c[order_by])
    return Prepared(statement.with_for_update() if lock else statement, where)


def select_among(table: sa.Table, columns: Sequence[str], column: str) -> Among:
    """Read columns of the rows where one column has any of given values."""
    chosen = [table.c[name] for name in columns]
    return Among(lambda among: sa.select(*chosen).where(among), table.c[column])
