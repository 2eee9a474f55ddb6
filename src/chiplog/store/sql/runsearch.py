"""Searching runs: which index leads, in which order, and from where on.

Every experiment is searched by itself, since its fields have numbers of their own, and active and
deleted runs apart; what they find is merged. In each, either an index in the order of the result
leads and the filter is asked of one run after the other until the page is full, or an index on a
filtered value leads and what it finds is sorted: whichever promises to touch fewer rows.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.entities import ViewType
from chiplog.core.search import (
    RUNS,
    Comparison,
    Kind,
    OrderBy,
    parse_filter,
    parse_order_by,
    to_text,
)
from chiplog.store.sql import doubles, schema
from chiplog.store.sql.experiments import parse_id
from chiplog.store.sql.fields import Fields
from chiplog.store.sql.paging import (
    SortColumn,
    behind,
    check_page_size,
    make_token,
    read_token,
    scope_of,
    sort_key,
)
from chiplog.store.sql.runfilter import VALUE_TABLES, Driver, RunFilter, attribute, needed_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.search import Tree
    from chiplog.store.sql.conditions import Condition
    from chiplog.store.sql.engine import AnySelect, Transaction
    from chiplog.store.sql.fields import FieldMemory
    from chiplog.store.sql.places import Places

MOST_COUNTED: Final = 20_000
"""Rows looked at to find out how selective a comparison is."""

_runs = schema.runs

_LIFECYCLES: Final = {
    ViewType.ACTIVE_ONLY: (0,),
    ViewType.DELETED_ONLY: (1,),
    ViewType.ALL: (0, 1),
}


@dataclass(frozen=True)
class RunQuery:
    """What was asked."""

    experiments: tuple[int, ...]
    tree: Tree | None
    order: tuple[OrderBy, ...]
    lifecycles: tuple[int, ...]
    limit: int
    after: list[Any] | None


@dataclass
class Plan:
    """A query that yields rows in the order of the result.

    Attributes:
        source: what to select from.
        columns: what to sort by; the first ``fixed`` are the same for all rows of this plan.
        conditions: what must hold, the filter aside.
    """

    source: Any
    columns: list[SortColumn]
    conditions: list[Condition] = field(default_factory=list)
    fixed: tuple[Any, ...] = ()


def search(
    tx: Transaction,
    memory: FieldMemory,
    places: Places,
    *,
    experiment_ids: Sequence[str],
    filter_string: str | None,
    view_type: int,
    max_results: int,
    order_by: Sequence[str] | None,
    page_token: str | None,
) -> tuple[list[int], str | None]:
    """The integer keys of a page of runs, and the token for the next page."""
    check_page_size(max_results)
    tree = parse_filter(filter_string, RUNS)
    order = tuple(parse_order_by(order_by, RUNS))
    experiments = tuple(dict.fromkeys(parse_id(experiment) for experiment in experiment_ids))
    scope = scope_of("runs", sorted(experiments), to_text(tree), order, view_type)
    query = RunQuery(
        experiments,
        tree,
        order,
        _LIFECYCLES[view_type],
        max_results + 1,
        read_token(page_token, scope, _value_types(order)),
    )
    rows = _merged(tx, memory, places, query)
    page = rows[:max_results]
    more = len(rows) > max_results
    return [row[-1] for row in page], make_token(scope, page[-1][:-1]) if more else None


def _value_types(order: Sequence[OrderBy]) -> list[type]:
    types: list[type] = []
    for item in _completed(order):
        if item.key.kind is Kind.METRIC or item.key.name == "end_time":
            types += [int, int]
        elif item.key.kind in {Kind.PARAM, Kind.TAG}:
            types += [int, str, str]
        else:
            types.append(int if item.key.numeric else str)
    return types


def _completed(order: Sequence[OrderBy]) -> list[OrderBy]:
    """The order with what decides between equals: latest start first, then by id."""
    last = []
    for name, descending in (("start_time", True), ("run_id", False)):
        key = RUNS.key(Kind.ATTRIBUTE, name)
        assert key is not None
        last.append(OrderBy(key, descending))
    named = {item.key for item in order}
    return [*order, *(item for item in last if item.key not in named)]


def _merged(
    tx: Transaction, memory: FieldMemory, places: Places, query: RunQuery
) -> list[tuple[Any, ...]]:
    fields = Fields(memory, tx)
    found = []
    columns: list[SortColumn] = []
    for experiment in query.experiments:
        run_filter = RunFilter(tx, fields, places, experiment, query.tree)
        keys = ((item.key.kind, item.key.name) for item in query.order)
        fields.find(needed_fields(experiment, keys))
        for lifecycle in query.lifecycles:
            one = _Search(tx, places, query, run_filter, experiment=experiment, lifecycle=lifecycle)
            rows = one.rows()
            columns = one.columns
            if rows:
                found.append(rows)
    if len(found) < 2:
        return found[0] if found else []
    merged = heapq.merge(*found, key=lambda row: sort_key(columns, row))
    return list(islice(merged, query.limit))


class _Search:
    """The search of one experiment's active or deleted runs."""

    def __init__(
        self,
        tx: Transaction,
        places: Places,
        query: RunQuery,
        run_filter: RunFilter,
        *,
        experiment: int,
        lifecycle: int,
    ) -> None:
        self._tx = tx
        self._places = places
        self._query = query
        self._filter = run_filter
        self._here = [_runs.c.experiment_id == experiment, _runs.c.deleted == lifecycle]
        # The same, so written that no index is used for it.
        self._here_unindexed = [
            _runs.c.experiment_id + 0 == experiment,
            _runs.c.deleted + 0 == lifecycle,
        ]
        self.columns: list[SortColumn] = []

    def rows(self) -> list[tuple[Any, ...]]:
        """Rows of sort values and the run's key: one page and one row more, if there are."""
        condition = self._filter.condition()
        found: list[tuple[Any, ...]] = []
        for plan in self._plans():
            self.columns = plan.columns
            if len(found) >= self._query.limit:
                break
            found += self._run(plan, condition, self._query.limit - len(found))
        return found

    def _run(self, plan: Plan, condition: Condition | None, limit: int) -> list[tuple[Any, ...]]:
        free = len(plan.fixed)
        statement = sa.select(*(column.expression for column in plan.columns), _runs.c.id)
        statement = statement.select_from(plan.source).where(*plan.conditions)
        if condition is not None:
            statement = statement.where(condition)
        after = self._query.after
        if after is not None:
            before = tuple(after[:free])
            if plan.fixed < before:
                return []
            if plan.fixed == before:
                statement = statement.where(behind(plan.columns[free:], after[free:]))
        statement = statement.order_by(*(column.ordered() for column in plan.columns[free:]))
        return [tuple(row) for row in self._tx.execute(statement.limit(limit))]

    def _plans(self) -> list[Plan]:
        """The queries that, one after the other, give the whole result in order."""
        driver = self._chosen_driver()
        if driver is not None:
            joined = _runs.join(driver.table, driver.table.c.run == _runs.c.id)
            source, columns = self._joined(joined, 0)
            return [Plan(source, columns, [driver.condition, *self._here_unindexed])]
        first = self._query.order[0] if self._query.order else None
        if first is None or first.key.kind is Kind.ATTRIBUTE:
            source, columns = self._joined(_runs, 0)
            return [Plan(source, columns, [*self._here])]
        return self._phases(first)

    def _phases(self, first: OrderBy) -> list[Plan]:
        """For a metric: numbers, NaNs, runs without it. For a text: runs with it, runs without."""
        number = self._filter.field(first.key.kind, first.key.name)
        kind = first.key.kind
        table = VALUE_TABLES[kind].alias()
        if kind is Kind.METRIC:
            missing = Plan(_runs, [_fixed(2), _fixed(0, first)], fixed=(2, 0))
        else:
            nothing = _fixed("", first)
            missing = Plan(_runs, [_fixed(1), nothing, nothing], fixed=(1, "", ""))
        plans = [missing]
        missing.conditions = [*self._here]
        if number is not None:
            has: AnySelect = sa.select(sa.literal_column("1")).where(
                table.c.run == _runs.c.id, table.c.field == number
            )
            missing.conditions.append(has.correlate(_runs).scalar_subquery().is_(None))
            joined = _runs.join(table, table.c.run == _runs.c.id)
            there = [table.c.field == number, *self._here_unindexed]
            if kind is Kind.METRIC:
                value = SortColumn(table.c.latest, first.descending)
                numbers = table.c.latest.between(doubles.LOWEST, doubles.HIGHEST)
                plans = [
                    Plan(joined, [_fixed(0), value], [*there, numbers], (0,)),
                    Plan(joined, [_fixed(1), _fixed(0, first)], [*there, sa.not_(numbers)], (1, 0)),
                    missing,
                ]
            else:
                head = SortColumn(table.c.head, first.descending)
                tail = SortColumn(sa.func.coalesce(table.c.tail, ""), first.descending)
                plans = [Plan(joined, [_fixed(0), head, tail], there, (0,)), missing]
        for plan in plans:
            plan.source, rest = self._joined(plan.source, 1)
            plan.columns += rest
        return plans

    def _joined(self, source: Any, start: int) -> tuple[Any, list[SortColumn]]:
        """The source with what must be joined to sort by the items from ``start`` on."""
        columns: list[SortColumn] = []
        for item in _completed(self._query.order)[start:]:
            key = item.key
            if key.kind is Kind.ATTRIBUTE:
                columns += _attribute_columns(item, self._places)
                continue
            table = VALUE_TABLES[key.kind].alias()
            number = self._filter.field(key.kind, key.name)
            matches = sa.and_(table.c.run == _runs.c.id, table.c.field == (number or 0))
            source = source.outerjoin(table, matches)
            columns += _value_columns(table, item)
        return source, columns

    def _chosen_driver(self) -> Driver | None:
        """The most selective comparison's index, if it fills the page sooner than the order's."""
        drivers = [self._filter.driver(part) for part in self._filter.conjuncts()]
        counted = [
            (self._count(driver.table, driver.in_index), driver)
            for driver in drivers
            if driver is not None
        ]
        if not counted:
            return self._run_id_driver()
        fewest, best = min(counted, key=lambda pair: pair[0])
        if fewest > MOST_COUNTED:
            return None
        total = self._count(_runs, sa.and_(*self._here))
        if total > MOST_COUNTED:
            total = self._tx.execute(sa.select(sa.func.max(_runs.c.id))).scalar() or total
        share = math.prod(
            min(count / max(total, 1), 1) if count <= MOST_COUNTED else math.sqrt(count / total)
            for count, _ in counted
        )
        by_order = total if not share else min(total, self._query.limit / share)
        return best if fewest < by_order else None

    def _run_id_driver(self) -> Driver | None:
        """Runs named one by one are found by their ids."""
        for part in self._filter.conjuncts():
            if not isinstance(part, Comparison) or part.key.kind is not Kind.ATTRIBUTE:
                continue
            if part.key.name == "run_id" and part.operator in {"=", "IN"}:
                named = sa.select(_runs.c.id.label("run"))
                values = part.value if isinstance(part.value, tuple) else (part.value,)
                named = named.where(_runs.c.run_id.in_(values))
                return Driver(named.subquery(), sa.true(), sa.true())
        return None

    def _count(self, table: Any, condition: Condition) -> int:
        """How many rows of a table there are, as far as we care; asked of an index alone."""
        rows: AnySelect = sa.select(sa.literal_column("1")).select_from(table).where(condition)
        some = rows.limit(MOST_COUNTED + 1).subquery()
        return int(self._tx.execute(sa.select(sa.func.count()).select_from(some)).scalar() or 0)


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


def _value_columns(table: Any, item: OrderBy) -> list[SortColumn]:
    if item.key.kind is Kind.METRIC:
        value = table.c.latest
        number = value.between(doubles.LOWEST, doubles.HIGHEST)
        return [
            SortColumn(sa.case((value.is_(None), 2), (number, 0), else_=1)),
            SortColumn(sa.case((number, value), else_=0), item.descending),
        ]
    return [
        SortColumn(sa.case((table.c.head.is_(None), 1), else_=0)),
        SortColumn(sa.func.coalesce(table.c.head, ""), item.descending),
        SortColumn(sa.func.coalesce(table.c.tail, ""), item.descending),
    ]
