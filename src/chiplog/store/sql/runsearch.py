"""Searching runs: which index leads, in which order, and from where on.

Every experiment is searched by itself, since its fields have numbers of their own, and active and
deleted runs apart; what they find is merged. In each, either an index in the order of the result
leads and the filter is asked of one run after the other until the page is full, or an index on a
filtered value leads and what it finds is sorted: whichever promises to touch fewer rows.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.entities import ViewType
from chiplog.core.search import RUNS, OrderBy, parse_filter, parse_order_by, to_text
from chiplog.store.sql import schema
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
from chiplog.store.sql.rundrivers import Drivers
from chiplog.store.sql.runfilter import RunFilter, needed_fields
from chiplog.store.sql.runplans import Plans, fields_to_sort_by, value_types
from chiplog.store.sql.schema import HEAD_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.search import Tree
    from chiplog.store.sql.conditions import Condition
    from chiplog.store.sql.engine import AnySelect, Transaction
    from chiplog.store.sql.fields import FieldMemory
    from chiplog.store.sql.places import Places
    from chiplog.store.sql.rundrivers import Driver
    from chiplog.store.sql.runplans import Plan, Text

MOST_COUNTED: Final = 20_000
"""Rows looked at to find out how selective a comparison is."""

MANY_ALIKE: Final = 5_000
"""Runs with one value of a param that are too many to be sorted for a page."""

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
        read_token(page_token, scope, value_types(order)),
    )
    rows = _merged(tx, memory, places, query)
    page = rows[:max_results]
    more = len(rows) > max_results
    return [row[-1] for row in page], make_token(scope, page[-1][:-1]) if more else None


def _merged(
    tx: Transaction, memory: FieldMemory, places: Places, query: RunQuery
) -> list[tuple[Any, ...]]:
    fields = Fields(memory, tx)
    found = []
    columns: list[SortColumn] = []
    for experiment in query.experiments:
        run_filter = RunFilter(tx, fields, places, experiment, query.tree)
        fields.find(needed_fields(experiment, fields_to_sort_by(query.order)))
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
        self._query = query
        self._filter = run_filter
        self._drivers = Drivers(run_filter, experiment, lifecycle)
        self._plans = Plans(
            run_filter, places, query.order, experiment=experiment, lifecycle=lifecycle
        )
        self.columns: list[SortColumn] = []

    def rows(self) -> list[tuple[Any, ...]]:
        """Rows of sort values and the run's key: one page and one row more, if there are."""
        condition = self._filter.condition()
        found: list[tuple[Any, ...]] = []
        for plan in self._chosen_plans():
            self.columns = plan.columns
            if len(found) >= self._query.limit:
                break
            wanted = self._query.limit - len(found)
            wide = self._wide_value(plan)
            if wide is None:
                found += self._run(plan, condition, wanted)
            else:
                found += self._around(plan, wide, wanted)
        return found

    def _chosen_plans(self) -> list[Plan]:
        driver = self._chosen_driver()
        if driver is None:
            return self._plans.in_order()
        joined = _runs.join(driver.table, driver.table.c.run == _runs.c.id)
        return [self._plans.sorted(joined, [driver.condition])]

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

    def _wide_value(self, plan: Plan) -> str | None:
        """A value that very many runs have, and that the page reaches; looked for where it costs.

        All that have a value are sorted, if only to find the first hundred.
        """
        text, after = plan.text, self._query.after
        if text is None or self._filter.tree is not None or len(self._query.order) > 1:
            return None
        if after is not None and tuple(after[:1]) != plan.fixed:
            return None
        heads = text.heads(None if after is None else after[1]).limit(1)
        last = self._query.limit - 1
        beyond = self._tx.execute(heads.offset(last + MANY_ALIKE)).scalar()
        if beyond is None or len(beyond) >= HEAD_LENGTH:
            return None
        reached = self._tx.execute(heads.offset(last)).scalar()
        return str(beyond) if reached == beyond else None

    def _around(self, plan: Plan, head: str, limit: int) -> list[tuple[Any, ...]]:
        """A page that has runs with an earlier value, with this one that many have, with later."""
        text = plan.text
        assert text is not None
        found: list[tuple[Any, ...]] = []
        for part in (text.before(head), None, text.behind(head)):
            wanted = limit - len(found)
            if not wanted:
                break
            if part is None:
                found += self._latest_with(text, head, wanted) or self._run(
                    plan, text.table.c.head == head, wanted
                )
            else:
                found += self._run(plan, part, wanted)
        return found

    def _latest_with(self, text: Text, head: str, limit: int) -> list[tuple[Any, ...]]:
        """A page of runs with a value, out of the latest ones; nothing if these are too few."""
        latest = sa.select(_runs.c.start_time, _runs.c.run_id, _runs.c.id)
        latest = latest.where(*self._plans.here)
        columns = [SortColumn(_runs.c.start_time, descending=True), SortColumn(_runs.c.run_id)]
        after = self._query.after
        if after is not None and after[1] == head:
            latest = latest.where(behind(columns, after[3:]))
        ordered = latest.order_by(*(column.ordered() for column in columns))
        some = ordered.limit(MOST_COUNTED).subquery()
        statement = sa.select(some).where(text.is_value_of(some.c.id, head))
        statement = statement.order_by(some.c.start_time.desc(), some.c.run_id).limit(limit)
        rows = [(0, head, "", *row) for row in self._tx.execute(statement)]
        return rows if len(rows) == limit else []

    def _chosen_driver(self) -> Driver | None:
        """The most selective comparison's index, if it fills the page sooner than the order's."""
        counted = [
            (self._count(driver.table, driver.in_index), driver) for driver in self._drivers.find()
        ]
        if not counted:
            return None
        fewest, best = min(counted, key=lambda pair: pair[0])
        if fewest > MOST_COUNTED:
            return None
        total = self._count(_runs, sa.and_(*self._plans.here))
        if total > MOST_COUNTED:
            total = self._tx.execute(sa.select(sa.func.max(_runs.c.id))).scalar() or total
        share = math.prod(
            min(count / max(total, 1), 1) if count <= MOST_COUNTED else math.sqrt(count / total)
            for count, _ in counted
        )
        by_order = total if not share else min(total, self._query.limit / share)
        return best if fewest < by_order else None

    def _count(self, table: Any, condition: Condition) -> int:
        """How many rows of a table there are, as far as we care; asked of an index alone."""
        rows: AnySelect = sa.select(sa.literal_column("1")).select_from(table).where(condition)
        some = rows.limit(MOST_COUNTED + 1).subquery()
        return int(self._tx.execute(sa.select(sa.func.count()).select_from(some)).scalar() or 0)
