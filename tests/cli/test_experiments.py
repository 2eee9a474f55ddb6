"""``chiplog experiments``."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def test_an_experiment_lives_through_all_commands_as_in_mlflow(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], project: Path
) -> None:
    created = chiplog("experiments", "create", "-n", "foo").stdout
    assert created == "Created experiment 'foo' with id 1\n"
    renamed = chiplog("experiments", "rename", "-x", "1", "--new-name", "bar").stdout
    assert renamed == "Experiment with id 1 has been renamed to 'bar'.\n"
    assert chiplog("experiments", "delete", "-x", "1").stdout == (
        "Experiment with ID 1 has been deleted.\n"
    )
    assert [e["name"] for e in chiplog_json("experiments", "list")] == ["Default"]
    deleted = chiplog_json("experiments", "search", "--view", "deleted_only")
    assert [e["name"] for e in deleted] == ["bar"]
    assert chiplog("experiments", "restore", "-x", "1").stdout == (
        "Experiment with id 1 has been restored.\n"
    )
    chiplog("experiments", "set-tag", "-n", "bar", "team", "a")
    chiplog("experiments", "update", "-x", "1", "--description", "why", "-t", "x=1")
    found = json.loads(chiplog("experiments", "get", "-n", "bar", "--output", "json").stdout)
    assert found["tags"] == {"team": "a", "x": "1", "mlflow.note.content": "why"}
    chiplog("experiments", "update", "-x", "1", "--delete-tag", "x", "--new-name", "baz")
    found = chiplog_json("experiments", "get", "-x", "1")
    assert (found["name"], "x" in found["tags"]) == ("baz", False)


def test_search_filters(chiplog: Callable[..., Result], chiplog_json: Callable[..., Any]) -> None:
    for name in ("north", "south"):
        chiplog("experiments", "create", "-n", name)
    assert [e["name"] for e in chiplog_json("experiments", "search", "name LIKE 'n%'")] == ["north"]
    assert len(chiplog_json("experiments", "search", "--max-results", "2")) == 2
    assert "no experiments that match" in chiplog("experiments", "search", "name = 'x'").stdout


def test_get_shows_one_for_people(chiplog: Callable[..., Result]) -> None:
    chiplog("experiments", "create", "-n", "foo", "-l", "file:///data/foo")
    text = chiplog("experiments", "get", "-n", "foo").stdout
    assert "foo" in text
    assert "/data/foo" in text


def test_a_name_that_is_taken_is_refused(chiplog: Callable[..., Result]) -> None:
    chiplog("experiments", "create", "-n", "foo")
    assert "foo" in chiplog("experiments", "create", "-n", "foo", code=1).stderr


def test_an_id_that_is_not_there_is_told(chiplog: Callable[..., Result]) -> None:
    chiplog("experiments", "create", "-n", "foo")
    assert "99" in chiplog("experiments", "get", "-x", "99", code=1).stderr


def test_id_and_name_together_are_a_usage_error(chiplog: Callable[..., Result]) -> None:
    assert "exactly one" in chiplog("experiments", "get", "-x", "1", "-n", "a", code=2).stderr


def test_csv_has_the_columns_of_a_frame(
    chiplog: Callable[..., Result], voyages: dict[str, str], project: Path
) -> None:
    rows = list(csv.DictReader(io.StringIO(chiplog("experiments", "csv", "-x", "1").stdout)))
    assert len(rows) == 7
    assert list(rows[0])[:6] == [
        "run_id",
        "experiment_id",
        "status",
        "artifact_uri",
        "start_time",
        "end_time",
    ]
    by_name = {row["tags.mlflow.runName"]: row for row in rows}
    assert by_name["first"]["params.rate"] == "0.1"
    assert by_name["first"]["metrics.accuracy"] == "0.95"
    assert by_name["lost"]["metrics.depth"] == "-inf"
    assert by_name["lost"]["metrics.accuracy"] == ""
    assert by_name["first"]["start_time"].endswith("+00:00")
    answer = chiplog("experiments", "csv", "--experiment-id", "1", "--filename", "o.csv").stdout
    assert answer == "Experiment with ID 1 has been exported as a CSV to file: o.csv.\n"
    assert (project / "o.csv").read_text().count("\n") >= 8
