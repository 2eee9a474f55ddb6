"""How statements look: on SQLite by the right index, and the same for PostgreSQL and MySQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from chiplog.core.search import RUNS, parse_filter
from chiplog.store.sql import schema
from chiplog.store.sql.conditions import text_condition
from chiplog.store.sql.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.store.sql.store import SqlTrackingStore
    from chiplog.testing.store_kit import Pen

DIALECTS: list[sa.Dialect] = [
    make() for make in (sqlite.dialect, postgresql.dialect, mysql.dialect)
]

MODULES = ["apply", "contexts", "fields", "inputs", "points", "runstate", "runwriter"]


def prepared_statements() -> Iterator[Prepared]:
    for module in MODULES:
        for value in vars(import_module(f"chiplog.store.sql.{module}")).values():
            if isinstance(value, Prepared):
                yield value


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_prepared_statements_take_their_values_by_position(dialect: sa.Dialect) -> None:
    statements = list(prepared_statements())
    assert len(statements) > 25
    for statement in statements:
        text = statement.text(dialect)
        assert text.count("?" if dialect.name == "sqlite" else "%s") == len(statement.names)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_schema_can_be_made_on_every_database(dialect: sa.Dialect) -> None:
    for table in schema.metadata.sorted_tables:
        assert f"CREATE TABLE {dialect.identifier_preparer.quote(table.name)}" in str(
            CreateTable(table).compile(dialect=dialect)
        )
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))


def test_patterns_mean_the_same_on_every_database() -> None:
    column = sa.column("x", sa.String)
    found = {}
    for dialect in DIALECTS:
        condition = text_condition(column, "LIKE", "a*[%_\\", dialect)
        found[dialect.name] = list(condition.compile(dialect=dialect).params.values())
    assert found == {
        "sqlite": ["a[*][[]*?\\"],
        "postgresql": ["a*[%_\\\\"],
        "mysql": ["a*[%_\\\\"],
    }


@pytest.fixture
def statements(store: SqlTrackingStore, pen: Pen) -> Iterator[list[tuple[str, Any]]]:
    """What a search sends to a database with 50 runs."""
    for number in range(50):
        pen.run(params={"p": str(number % 3)}, metrics={"m": float(number)})
    sent: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        sent.append((text, values))

    sa.event.listen(store._database.engine, "before_cursor_execute", remember)
    yield sent
    sa.event.remove(store._database.engine, "before_cursor_execute", remember)


def plan(store: SqlTrackingStore, statement: tuple[str, Any]) -> list[str]:
    """What SQLite does for a statement, step by step."""
    text, values = statement
    with store._database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        return [str(row[3]) for row in rows]


@pytest.mark.parametrize(
    ("text", "order", "leads"),
    [
        ("", [], "runs USING COVERING INDEX runs_by_start"),
        ("metrics.m > 3", [], "runs USING COVERING INDEX runs_by_start"),
        ("metrics.m > 48.5", [], "metrics_1 USING COVERING INDEX metrics_by_value"),
        ("params.p = '7'", ["metrics.m"], "params_1 USING INDEX params_by_value"),
        ("", ["metrics.m DESC"], "metrics_1 USING COVERING INDEX metrics_by_value"),
        ("", ["params.p"], "params_1 USING INDEX params_by_value"),
        ("", ["start_time ASC"], "runs USING COVERING INDEX runs_by_start"),
        ("run_id IN ('journal0001')", [], "runs USING INDEX sqlite_autoindex_runs_1"),
    ],
)
def test_an_index_leads_and_nothing_is_scanned(
    store: SqlTrackingStore,
    statements: list[tuple[str, Any]],
    text: str,
    order: list[str],
    leads: str,
) -> None:
    assert parse_filter(text, RUNS) is not None or not text
    store.search_runs(["0"], text, 1, 10, order, None)
    searches = [item for item in statements if "ORDER BY" in item[0] and "start_time" in item[0]]
    steps = plan(store, searches[0])
    assert any(leads in step for step in steps), steps
    for statement in statements:
        if statement[0].startswith("SELECT"):
            for step in plan(store, statement):
                assert not step.startswith("SCAN") or "subquery" in step or "anon" in step, step
