"""What is more than a database takes at once: told from a database that is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from chiplog.core.errors import StoreError, StoreUnavailable
from chiplog.store.sql import failures
from chiplog.store.sql.engine import Database

if TYPE_CHECKING:
    from pathlib import Path


class DriverError(Exception):
    """An error as drivers raise it: MySQL's number first, or a ``sqlstate`` of PostgreSQL's."""

    def __init__(self, *args: Any, sqlstate: str | None = None) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate


def raised(error: DriverError, parameters: Any = ()) -> sa.exc.OperationalError:
    return sa.exc.OperationalError("INSERT", parameters, error)


@pytest.mark.parametrize(
    "error",
    [
        DriverError(1153, "Got a packet bigger than 'max_allowed_packet' bytes"),
        DriverError(1118, "Row size too large"),
        DriverError("invalid memory alloc request size", sqlstate="54000"),
    ],
)
def test_a_limit_that_was_exceeded_is_no_reason_to_try_again(error: DriverError) -> None:
    explained = failures.explain(raised(error), "mysql://db")
    assert isinstance(explained, StoreError)
    assert "does not take so much at once" in str(explained)


@pytest.mark.parametrize(
    "error",
    [
        DriverError(2003, "Can't connect to MySQL server"),
        DriverError(2006, "MySQL server has gone away"),
        DriverError("could not connect", sqlstate="08006"),
    ],
)
def test_a_server_that_cannot_be_reached_is_tried_again(error: DriverError) -> None:
    assert isinstance(failures.explain(raised(error), "mysql://db"), StoreUnavailable)


def test_what_a_driver_says_over_several_lines_is_told_in_one() -> None:
    error = DriverError("connection refused\n\tIs the server running?\n", sqlstate="08006")
    text = str(failures.explain(raised(error), "postgresql://db"))
    assert "cannot be reached: connection refused Is the server running? What is" in text


def test_what_a_server_was_sent_before_it_hung_up_is_its_largest_row() -> None:
    gone = DriverError(2006, "MySQL server has gone away")
    rows = [(1, "name", b"x" * 10), (2, "name", b"x" * 1000)]
    assert failures.sent_when_cut_off(raised(gone, rows)) == 1004
    assert failures.sent_when_cut_off(raised(gone, {"body": "x" * 7, "run": 3})) == 7
    assert failures.sent_when_cut_off(raised(gone)) == 0
    assert failures.sent_when_cut_off(raised(DriverError(1213, "deadlock"), rows)) is None
    assert failures.sent_when_cut_off(ValueError("2006")) is None


def test_a_database_that_does_not_answer_afterwards_was_just_away(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/runs.db", tmp_path / "runs.db")
    gone = raised(DriverError(2013, "Lost connection"), [(b"x" * (1 << 26),)])
    assert not database._is_too_large(gone)  # it knows no @@max_allowed_packet
    database.close()
