"""In which order runs are found: the queries that, one after the other, give a sorted result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.search import RUNS, Kind, OrderBy
from chiplog.core.tags import RUN_NAME
from chiplog.store.sql import doubles, schema
from chiplog.store.sql.paging import SortColumn
from chiplog.store.sql.runfilter import VALUE_TABLES, attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.store.sql.conditions import Condition
    from chiplog.store.sql.engine import AnySelect
    from chiplog.store.sql.places import Places
    from chiplog.store.sql.runfilter import RunFilter

_runs = schema.runs

_THERE: Final = 0
_NAN: Final = 1
_MISSING: Final = 2


@dataclass
class Plan:
    """A query that yields rows in the order of the result.

    Attributes:
        source: what to select from.
        columns: what to sort by; the first ``fixed`` are the same for all rows of this plan.
        conditions: what must hold, the filter aside.
        text: for a plan in the order of a param or tag, what that is.
    """

    source: Any
    columns: list[SortColumn]
    conditions: list[Condition] = field(default_factory=list)
    fixed: tuple[Any, ...] = ()
    text: Text | None = None


@dataclass(frozen=True)
class Text:
    """A param or tag that runs are sorted by: its rows, which one it is, in which direction."""

    table: Any
    field: int
    descending: bool

    def heads(self, start: str | None) -> AnySelect:
        """The values in order, those at and behind ``start`` if it is given; by the index alone."""
        head = self.table.c.head
        query: AnySelect = sa.select(head).where(self.table.c.field == self.field)
        if start is not None:
            query = query.where(head <= start if self.descending else head >= start)
        return query.order_by(head.desc() if self.descending else head)

    def before(self, head: str) -> Condition:
        """The rows with values that come earlier."""
        own: Condition = self.table.c.head
        return own > head if self.descending else own < head

    def behind(self, head: str) -> Condition:
        """The rows with values that come later."""
        own: Condition = self.table.c.head
        return own < head if self.descending else own > head

    def is_value_of(self, run: sa.ColumnElement[Any], head: str) -> Condition:
        """Whether this short value is what a run has."""
        has: AnySelect = sa.select(sa.literal_column("1")).where(
            self.table.c.run == run,
            self.table.c.field == self.field,
            self.table.c.head == head,
            self.table.c.tail.is_(None),
        )
        return has.scalar_subquery().is_not(None)


def completed(order: Sequence[OrderBy]) -> list[OrderBy]:
    """The order with what decides between equals: latest start first, then by id."""
    last = []
    for name, descending in (("start_time", True), ("run_id", False)):
        key = RUNS.key(Kind.ATTRIBUTE, name)
        assert key is not None
        last.append(OrderBy(key, descending))
    named = {item.key for item in order}
    return [*order, *(item for item in last if item.key not in named)]


def value_types(order: Sequence[OrderBy]) -> list[type]:
    """The types of the values that rows are sorted by."""
    types: list[type] = []
    for item in completed(order):
        if item.key.kind is Kind.METRIC or item.key.name == "end_time":
            types += [int, int]
        elif _text_of(item) is not None:
            types += [int, str, str]
        else:
            types.append(int if item.key.numeric else str)
    return types


def fields_to_sort_by(order: Sequence[OrderBy]) -> list[tuple[Kind, str]]:
    """The kinds and names of the fields that an order needs."""
    return [_text_of(item) or (item.key.kind, item.key.name) for item in order]


def _text_of(item: OrderBy) -> tuple[Kind, str] | None:
    """The param or tag whose value is sorted by; a run's name is a tag of it, and has an index."""
    if item.key.kind in {Kind.PARAM, Kind.TAG}:
        return item.key.kind, item.key.name
    return (Kind.TAG, RUN_NAME) if item.key.name == "run_name" else None


class Plans:
    """The ways through one experiment's active or deleted runs, in a given order."""

    def __init__(
        self,
        run_filter: RunFilter,
        places: Places,
        order: Sequence[OrderBy],
        *,
        experiment: int,
        lifecycle: int,
    ) -> None:
        self._filter = run_filter
        self._places = places
        self._order = order
        self.here = [_runs.c.experiment_id == experiment, _runs.c.deleted == lifecycle]
        # The same, so written that no index is used for it.
        self.here_unindexed = [
            _runs.c.experiment_id + 0 == experiment,
            _runs.c.deleted + 0 == lifecycle,
        ]

    def sorted(self, source: Any, conditions: list[Condition]) -> Plan:
        """All at once: what is found is sorted."""
        source, columns = self._joined(source, 0)
        return Plan(source, columns, [*conditions, *self.here_unindexed])

    def in_order(self) -> list[Plan]:
        """One after the other, each by an index that has its rows in order."""
        first = self._order[0] if self._order else None
        if first is None:
            plans = [Plan(_runs, [], [*self.here])]
        elif first.key.kind is Kind.METRIC:
            plans = self._by_metric(first)
        elif _text_of(first) is not None:
            plans = self._by_text(first)
        elif first.key.name == "end_time":
            plans = self._by_end(first)
        else:
            source, columns = self._joined(_runs, 0)
            return [Plan(source, columns, [*self.here])]
        for plan in plans:
            plan.source, rest = self._joined(plan.source, 0 if first is None else 1)
            plan.columns += rest
        return plans

    def _by_metric(self, item: OrderBy) -> list[Plan]:
        """Numbers, NaNs, runs without it."""
        nothing = _fixed(0, item)
        missing = Plan(_runs, [_fixed(_MISSING), nothing], [*self.here], (_MISSING, 0))
        number = self._filter.field(Kind.METRIC, item.key.name)
        if number is None:
            return [missing]
        table, joined, there = self._value(Kind.METRIC, number)
        missing.conditions.append(_absent(table, number))
        value = SortColumn(table.c.latest, item.descending)
        numbers = table.c.latest.between(doubles.LOWEST, doubles.HIGHEST)
        return [
            Plan(joined, [_fixed(_THERE), value], [*there, numbers], (_THERE,)),
            Plan(joined, [_fixed(_NAN), nothing], [*there, sa.not_(numbers)], (_NAN, 0)),
            missing,
        ]

    def _by_text(self, item: OrderBy) -> list[Plan]:
        """Runs with it, then runs without."""
        text = _text_of(item)
        assert text is not None
        nothing = _fixed("", item)
        columns = [_fixed(_MISSING), nothing, nothing]
        missing = Plan(_runs, columns, [*self.here], (_MISSING, "", ""))
        number = self._filter.field(*text)
        if number is None:
            return [missing]
        table, joined, there = self._value(text[0], number)
        missing.conditions.append(_absent(table, number))
        columns = [
            _fixed(_THERE),
            SortColumn(table.c.head, item.descending),
            SortColumn(sa.func.coalesce(table.c.tail, ""), item.descending),
        ]
        sorted_by = Text(table, number, item.descending)
        return [Plan(joined, columns, there, (_THERE,), sorted_by), missing]

    def _by_end(self, item: OrderBy) -> list[Plan]:
        """Runs that have ended, then those that have not."""
        ended, open_ = [*self.here, _runs.c.end_time.is_not(None)], _runs.c.end_time.is_(None)
        return [
            Plan(_runs, [_fixed(0), SortColumn(_runs.c.end_time, item.descending)], ended, (0,)),
            Plan(_runs, [_fixed(1), _fixed(0, item)], [*self.here, open_], (1, 0)),
        ]

    def _value(self, kind: Kind, number: int) -> tuple[Any, Any, list[Condition]]:
        """A table of values, the runs joined to it, and the conditions that choose a field."""
        table = VALUE_TABLES[kind].alias()
        joined = _runs.join(table, table.c.run == _runs.c.id)
        return table, joined, [table.c.field == number, *self.here_unindexed]

    def _joined(self, source: Any, start: int) -> tuple[Any, list[SortColumn]]:
        """The source with what must be joined to sort by the items from ``start`` on."""
        columns: list[SortColumn] = []
        for item in completed(self._order)[start:]:
            text = _text_of(item)
            if item.key.kind is Kind.ATTRIBUTE and text is None:
                columns += _attribute_columns(item, self._places)
                continue
            kind, name = text or (Kind.METRIC, item.key.name)
            table = VALUE_TABLES[kind].alias()
            number = self._filter.field(kind, name)
            matches = sa.and_(table.c.run == _runs.c.id, table.c.field == (number or 0))
            source = source.outerjoin(table, matches)
            columns += _metric_columns(table, item) if text is None else _text_columns(table, item)
        return source, columns


def _absent(table: Any, number: int) -> Condition:
    """That a run has no row in a table of values."""
    has: AnySelect = sa.select(sa.literal_column("1")).where(
        table.c.run == _runs.c.id, table.c.field == number
    )
    return has.correlate(_runs).scalar_subquery().is_(None)


def _fixed(value: int | str, like: OrderBy | None = None) -> SortColumn:
    """A value that all rows of a plan share, sorted as those of the other plans are."""
    return SortColumn(sa.literal(value), like is not None and like.descending)


def _attribute_columns(item: OrderBy, places: Places) -> list[SortColumn]:
    name = item.key.name
    if name == "end_time":
        column = _runs.c.end_time
        missing = sa.case((column.is_(None), 1), else_=0)
        return [SortColumn(missing), SortColumn(sa.func.coalesce(column, 0), item.descending)]
    sorted_by = _runs.c.start_time if item.key.numeric else attribute(name, places)
    return [SortColumn(sorted_by, item.descending)]


def _metric_columns(table: Any, item: OrderBy) -> list[SortColumn]:
    value = table.c.latest
    number = value.between(doubles.LOWEST, doubles.HIGHEST)
    return [
        SortColumn(sa.case((value.is_(None), _MISSING), (number, _THERE), else_=_NAN)),
        SortColumn(sa.case((number, value), else_=0), item.descending),
    ]


def _text_columns(table: Any, item: OrderBy) -> list[SortColumn]:
    return [
        SortColumn(sa.case((table.c.head.is_(None), _MISSING), else_=_THERE)),
        SortColumn(sa.func.coalesce(table.c.head, ""), item.descending),
        SortColumn(sa.func.coalesce(table.c.tail, ""), item.descending),
    ]
