from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any

import numpy as np
import pytest

from chiplog.core.artifacts.cells import columns_of, read_json, write_json


def written(data: Any) -> Any:
    return json.loads(write_json(columns_of(data), "t.json"))


def cells(*values: Any) -> list[Any]:
    return [row[0] for row in written({"a": list(values)})["data"]]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ({"a": [1, 2], "b": ["x", None]}, [[1, "x"], [2, None]]),
        ({"a": 3, "b": ["x", "y"]}, [[3, "x"], [3, "y"]]),
        ({"a": 3, "b": "abc"}, [[3, "abc"]]),
        ({"a": [3, 4, 5], "b": ["x", "y"]}, [[[3, 4, 5], ["x", "y"]]]),
        (
            {"a": range(2), "b": (5, 6), "c": (n for n in "xy"), "d": np.arange(2)},
            [[0, 5, "x", 0], [1, 6, "y", 1]],
        ),
        ({"a": {"x": 1, "y": 2}}, [[1], [2]]),
        ({"a": []}, []),
        ({}, []),
    ],
)
def test_a_dict_of_columns_becomes_rows(data: Any, rows: list[Any]) -> None:
    assert written(data) == {"columns": list(data), "data": rows}


def test_floats_keep_every_digit_and_odd_ones_are_null() -> None:
    assert cells(0.1, 1 / 3, np.float64(1e-300)) == [0.1, 1 / 3, 1e-300]
    assert cells(float("nan"), float("inf"), np.float32("nan"), [float("-inf")]) == [
        None,
        None,
        None,
        [None],
    ]


def test_numbers_of_every_size_and_kind_are_numbers() -> None:
    assert cells(2**60, 2**70, -(2**63), True, np.int8(3), np.bool_(1), decimal.Decimal("1.5")) == [
        2**60,
        2**70,
        -(2**63),
        True,
        3,
        True,
        1.5,
    ]


def test_times_are_iso_text_in_milliseconds() -> None:
    moment = dt.datetime(2020, 1, 2, 3, 4, 5, 678912)  # noqa: DTZ001
    east = dt.timezone(dt.timedelta(hours=2))
    assert cells(
        moment, moment.replace(tzinfo=east), dt.date(2020, 1, 2), np.datetime64(moment)
    ) == [
        "2020-01-02T03:04:05.678",
        "2020-01-02T01:04:05.678Z",
        "2020-01-02T00:00:00.000",
        "2020-01-02T03:04:05.678",
    ]
    assert cells(dt.timedelta(days=1, seconds=2), np.datetime64("NaT")) == ["P1DT2S", None]


def test_containers_and_strange_objects_find_a_form() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd"

    assert cells({"x": np.arange(2)}, (1, "t"), b"x", b"\xff", 1 + 2j, Odd()) == [
        {"x": [0, 1]},
        [1, "t"],
        "x",
        "/w==",
        {"real": 1.0, "imag": 2.0},
        "odd",
    ]


def test_names_of_columns_are_text_or_whole_numbers() -> None:
    assert written({1: [1], "b": [2], (1, 2): [3]})["columns"] == [1, "b", "(1, 2)"]


def test_rows_are_appended_and_missing_cells_are_null() -> None:
    before = read_json(write_json(columns_of({"a": [1], "b": ["x"]}), "t.json"), "t.json")
    after = columns_of({"c": [True], "a": [2]}).after(before)
    assert json.loads(write_json(after, "t.json")) == {
        "columns": ["a", "b", "c"],
        "data": [[1, "x", None], [2, None, True]],
    }


def test_rows_are_appended_to_a_table_without_any() -> None:
    before = read_json(b'{"columns":["a"],"data":[]}', "t.json")
    assert columns_of({"a": [2]}).after(before).rows() == [[2]]


@pytest.mark.parametrize(
    "text", [b"", b"[1]", b'{"columns":["a"]}', b'{"columns":["a"],"data":[[1,2]]}', b"{nonsense"]
)
def test_a_file_that_holds_no_table_is_named(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"'t\.json' holds"):
        read_json(text, "t.json")


def test_what_is_no_table_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="list"):
        columns_of([1])


def test_half_a_character_is_a_value_error_with_the_file() -> None:
    with pytest.raises(ValueError, match=r"'t\.json' cannot be written"):
        written({"a": ["\ud800"]})
