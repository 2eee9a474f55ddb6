"""What is taken in place of a DataFrame."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from chiplog.core.models.enforcement import SchemaViolation, enforce_schema
from chiplog.core.models.schema import AnyType, Array, ColSpec, Map, Object, Property, Schema

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.framework

TWO = Schema([ColSpec("double", "a"), ColSpec("string", "b")])
LIST = Schema([ColSpec("double", "a"), ColSpec(Array("long"), "b")])
COUNTED = Schema([ColSpec("double", 0), ColSpec("double", 1)])


def alone(kind: Any) -> Schema:
    return Schema([ColSpec(kind)])


@pytest.mark.parametrize(
    ("data", "schema", "rows"),
    [
        ({"a": 1.5, "b": "x"}, TWO, [[1.5, "x"]]),
        ({"a": [1.5, 2.5], "b": ["x", "y"]}, TWO, [[1.5, "x"], [2.5, "y"]]),
        ({"b": np.array(["x"]), "a": np.array([1.5])}, TWO, [[1.5, "x"]]),
        ([{"a": 1.5, "b": "x"}, {"a": 2.5, "b": "y"}], TWO, [[1.5, "x"], [2.5, "y"]]),
        ({"a": 1.5, "b": [1, 2]}, LIST, [[1.5, [1, 2]]]),
        ({"a": [1.5], "b": [[1, 2]]}, LIST, [[1.5, [1, 2]]]),
        ([{"a": 1.5, "b": [1, 2]}], LIST, [[1.5, [1, 2]]]),
        ([[1.5, 2.5]], COUNTED, [[1.5, 2.5]]),
        (np.array([[1.5, 2.5]]), COUNTED, [[1.5, 2.5]]),
        (1.5, alone("double"), [[1.5]]),
        (np.float32(1.5), alone("double"), [[1.5]]),
        ("x", alone("string"), [["x"]]),
        (b"x", alone("binary"), [[b"x"]]),
        (dt.datetime(2020, 1, 1), alone("datetime"), [[pd.Timestamp("2020-01-01")]]),  # noqa: DTZ001
        ([1.5, None], alone("double"), [[1.5], [float("nan")]]),
        (np.array([1.5, 2.5]), alone("double"), [[1.5], [2.5]]),
        (np.array([[1.5], [2.5]]), alone("double"), [[1.5], [2.5]]),
        ({"q": 1.5}, alone("double"), [[1.5]]),
        ([[1, 2], [3]], alone(Array("long")), [[[1, 2]], [[3]]]),
        ({"x": 1}, alone(Object([Property("x", "long")])), [[{"x": 1}]]),
        ([{"x": 1}], alone(Map("long")), [[{"x": 1}]]),
        ([1, "x"], alone(AnyType()), [[1], ["x"]]),
        (pd.Series([1.5], name="q"), alone("double"), [[1.5]]),
    ],
)
def test_what_makes_a_frame_is_taken_as_one(data: Any, schema: Schema, rows: Any) -> None:
    made = enforce_schema(data, schema)
    given = pd.DataFrame(rows, columns=made.columns)
    pd.testing.assert_frame_equal(made, given, check_dtype=False)


@pytest.mark.parametrize(
    "data", [None, {"a": object()}, np.ones((2, 2)), pd.DataFrame({"q": [1]}), [[], [1]], [{}]]
)
def test_a_signature_that_says_nothing_leaves_data_alone(data: Any) -> None:
    assert enforce_schema(data, alone(AnyType())) is data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.ones((2, 2)), "an array of shape (2, 2)"),
        ([1.5, 2.5], "a list"),
        (1.5, "a float"),
        ("x", "a str"),
        (None, "None"),
        ((1, 2), "a tuple"),
    ],
)
def test_data_without_names_is_no_answer_to_names(data: Any, said: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(data, TWO)
    (violation,) = caught.value.violations
    assert (violation.column, violation.got) == (None, said)
    assert "The signature's columns have names" in str(caught.value)


def test_a_series_has_its_own_name() -> None:
    schema = Schema([ColSpec("double", "a")])
    assert enforce_schema(pd.Series([1.5], name="a"), schema)["a"].tolist() == [1.5]
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(pd.Series([1.5], name="z"), schema)
    assert [(v.column, v.got) for v in caught.value.violations] == [("a", "missing")]


@pytest.mark.parametrize(
    "data",
    [
        [{"n": 2**60 + 1, "x": 1}, {"n": None, "x": None}],
        [{"n": 2**60 + 1, "x": 1}, {}],
        {"n": [2**60 + 1, None], "x": [1, None]},
    ],
)
def test_integers_of_pythons_stay_so_where_some_are_missing(data: Any) -> None:
    schema = Schema([ColSpec("long", "n", required=False), ColSpec("double", "x", required=False)])
    made = enforce_schema(data, schema)
    assert [str(dtype) for dtype in made.dtypes] == ["Int64", "float64"]
    assert made["n"][0] == 2**60 + 1
    assert made.isna().to_numpy().tolist() == [[False, False], [True, True]]
    flat = enforce_schema([2**60 + 1, None], alone("long"))
    assert str(flat.dtypes.iloc[0]) == "Int64"
    two = Schema([ColSpec("long"), ColSpec("double")])
    rows = enforce_schema([[2**60 + 1, 1.5], [None, 2.5]], two)
    assert rows[0].tolist() == [2**60 + 1, pd.NA]


def test_an_empty_list_is_an_empty_column() -> None:
    made = enforce_schema([], alone("double"))
    assert made.shape == (0, 1)
    assert str(made.dtypes.iloc[0]) == "float64"


def test_a_dict_of_columns_of_several_lengths_says_which() -> None:
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema({"a": [1.5, 2.5], "b": ["x"]}, TWO)
    assert caught.value.violations[0].got.endswith("of several lengths ('a': 2, 'b': 1)")


def test_a_cube_is_no_table() -> None:
    with pytest.raises(SchemaViolation, match=r"an array of shape \(2, 1, 1\)"):
        enforce_schema(np.ones((2, 1, 1)), alone("double"))


def test_tables_of_arrow_and_polars_keep_their_missing_integers() -> None:
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    content = {"n": [1, None], "b": [True, None], "x": [1.5, None], "s": ["u", None]}
    content["d"] = [dt.date(2020, 1, 1), None]
    kinds = {"n": "long", "b": "boolean", "x": "double", "s": "string", "d": "datetime"}
    schema = Schema([ColSpec(kind, name) for name, kind in kinds.items()])
    for table in (pa.table(content), pl.DataFrame(content), pa.RecordBatch.from_pydict(content)):
        made = enforce_schema(table, schema)
        assert [str(made[name].dtype) for name in "nbxd"] == [
            "Int64",
            "boolean",
            "float64",
            "datetime64[ns]",
        ]
        assert made.isna().to_numpy().tolist() == [[False] * 5, [True] * 5]
    series = enforce_schema(pl.Series("n", [1, None]), Schema([ColSpec("long", "n")]))
    assert str(series["n"].dtype) == "Int64"
