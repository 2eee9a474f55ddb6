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
from chiplog.store.sql.prepared import Among, Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.store.sql.store import SqlTrackingStore
    from chiplog.testing.store_kit import Pen

DIALECTS: list[sa.Dialect] = [
    make() for make in (sqlite.dialect, postgresql.dialect, mysql.dialect)
]

MODULES = ["contexts", "cursors", "fields", "inputs", "points", "runs", "runstate", "runwriter"]


def prepared_statements() -> Iterator[Prepared]:
    for module in MODULES:
        for value in vars(import_module(f"chiplog.store.sql.{module}")).values():
            if isinstance(value, Prepared):
                yield value
            elif isinstance(value, Among):
                yield value.of_length(1)
                yield value.of_length(4)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_prepared_statements_take_their_values_by_position(dialect: sa.Dialect) -> None:
    statements = list(prepared_statements())
    assert len(statements) > 50
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
def statements(store: SqlTrackingStore, pen: Pen) -> list[str]:
    """What is sent from now on to a database with 50 runs."""
    for number in range(50):
        rare = {"rare": "1"} if number == 7 else None
        name, params = f"run-{number}", {"p": str(number % 3)}
        pen.run(name=name, params=params, tags=rare, metrics={"m": float(number)})
    sent: list[str] = []
    with store._database.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
    raw.set_trace_callback(sent.append)  # the pool hands out this connection alone
    return sent


def plan(store: SqlTrackingStore, statement: str) -> list[str]:
    """What SQLite does for a statement, step by step."""
    with store._database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
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
        ("run_id LIKE 'journal001%'", [], "sqlite_autoindex_runs_1 (run_id>? AND run_id<?)"),
        ("", ["run_name"], "tags_1 USING INDEX tags_by_value"),
        ("run_name = 'run-7'", [], "tags_1 USING INDEX tags_by_value"),
        ("run_name LIKE 'run-4%'", [], "tags_1 USING COVERING INDEX tags_by_value"),
        ("params.p LIKE '7%'", ["metrics.m"], "params_1 USING INDEX params_by_value"),
        ("tags.rare IS NOT NULL", [], "tags_1 USING COVERING INDEX tags_by_value"),
        ("", ["end_time DESC"], "runs USING INDEX runs_by_end"),
        ("end_time < 5", [], "found USING COVERING INDEX runs_by_end"),
        ("status = 'FAILED'", [], "found USING COVERING INDEX runs_by_status"),
        ("datasets.name = 'd'", [], "inputs_1 USING COVERING INDEX inputs_by_dataset"),
    ],
)
def test_an_index_leads_and_nothing_is_scanned(
    store: SqlTrackingStore,
    statements: list[str],
    text: str,
    order: list[str],
    leads: str,
) -> None:
    assert parse_filter(text, RUNS) is not None or not text
    store.search_runs(["0"], text, 1, 10, order, None)
    selects = [statement for statement in statements if statement.startswith("SELECT")]
    search = next(text for text in selects if "ORDER BY" in text and "start_time" in text)
    steps = plan(store, search)
    assert any(leads in step for step in steps), steps
    for statement in selects:
        for step in plan(store, statement):
            assert not step.startswith("SCAN") or "subquery" in step or "anon" in step, step


def test_reading_a_run_scans_nothing(
    store: SqlTrackingStore, pen: Pen, statements: list[str]
) -> None:
    run_id = pen.run(params={"p": "1"})
    statements.clear()
    store.get_run(run_id)
    selects = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(selects) > 3
    for statement in selects:
        for step in plan(store, statement):
            assert not step.startswith("SCAN"), step
