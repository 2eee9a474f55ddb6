"""Policies: strict, coerce and warn, for all columns or for some."""

from __future__ import annotations

import datetime as dt
import decimal
import logging
from typing import Any

import numpy as np
import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models.enforcement import Policy, SchemaViolation, enforce_schema
from chiplog.core.models.schema import Array, ColSpec, Schema, TensorSpec

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.framework


def one(kind: Any) -> Schema:
    return Schema([ColSpec(kind, "a")])


def column(values: Any, dtype: Any = None) -> Any:
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


@pytest.mark.parametrize(
    ("values", "kind", "becomes", "dtype"),
    [
        (["1", " 2 "], "long", [1, 2], "int64"),
        ([1.0, 2.0], "integer", [1, 2], "int32"),
        ([True, False], "long", [1, 0], "int64"),
        ([decimal.Decimal(3)], "long", [3], "int64"),
        (["1e3"], "long", [1000], "int64"),
        (["1.5", "nan"], "double", [1.5, float("nan")], "float64"),
        ([5], "double", [5.0], "float64"),
        ([0.1], "float", [np.float32(0.1)], "float32"),
        (["true", "False", "0"], "boolean", [True, False, False], "bool"),
        ([1, 0], "boolean", [True, False], "bool"),
        (["2020-01-01T02:00+02:00"], "datetime", [pd.Timestamp(2020, 1, 1)], "datetime64[ns]"),
        (["x"], "binary", [b"x"], "object"),
        ([1.5], "string", ["1.5"], None),
        ([b"x"], "string", ["x"], None),
        ([dt.date(2020, 1, 1)], "string", ["2020-01-01"], None),
    ],
)
def test_coercion_converts_what_needs_no_guess(
    values: list[Any], kind: str, becomes: list[Any], dtype: str | None
) -> None:
    made = enforce_schema(column(values), one(kind), "coerce")["a"]
    pd.testing.assert_series_equal(made, pd.Series(becomes, dtype=dtype, name="a"))


def test_coercion_keeps_missing_values_missing() -> None:
    made = enforce_schema(column([1.0, None]), one("long"), "coerce")["a"]
    assert str(made.dtype) == "Int64"
    assert made.isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (["1", "zz", "?"], "long", "'zz' in row 1, and 1 more row"),
        ([1.0, 2.5], "long", "2.5 in row 1"),
        ([2**40], "integer", "1099511627776 in row 0"),
        ([2**53 + 1], "double", "9007199254740993 in row 0"),
        ([1e300], "float", "1e+300 in row 0"),
        (["maybe"], "boolean", "'maybe' in row 0"),
        ([5], "datetime", "5 in row 0"),
        (["1.2.2020"], "datetime", "'1.2.2020' in row 0"),
    ],
)
def test_coercion_names_the_row_and_value_that_need_a_guess(
    values: list[Any], kind: str, said: str
) -> None:
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(column(values), one(kind), "coerce")
    (violation,) = caught.value.violations
    assert violation.got.endswith(said)


def test_coercion_reaches_into_lists() -> None:
    cells = [["1", 2], (3,), np.array([4.0])]
    made = enforce_schema(column(cells, object), one(Array("long")), "coerce")
    assert made["a"].tolist() == [[1, 2], [3], [4]]
    with pytest.raises(SchemaViolation, match=r"row 0: \[1\]: 1\.5 \(float\)"):
        enforce_schema(column([[1, 1.5]]), one(Array("long")), "coerce")


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (column([1], "int32"), "long"),
        (column([0, 1]), "double"),
        (column(["x"]), "binary"),
        (column([1, "x"], object), "string"),
        (column(pd.Categorical(["x"])), "string"),
        (column(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")), "datetime"),
        (column([[1]]), Array("double")),
        (column([np.ones(2, "float32")], object), Array("double")),
    ],
)
def test_strictness_refuses_what_would_only_widen(frame: Any, kind: Any) -> None:
    with pytest.raises(SchemaViolation):
        enforce_schema(frame, one(kind), "strict")


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (column([1]), "long"),
        (column([1, None], "Int64"), "long"),
        (column(["x", None]), "string"),
        (column(["x", None], object), "string"),
        (column([b"x"]), "binary"),
        (column(pd.to_datetime(["2020-01-01"])), "datetime"),
        (column([True]), "boolean"),
        (column([[1.5]]), Array("double")),
        (column([np.ones(2)], object), Array("double")),
    ],
)
def test_strictness_takes_equal_types_as_they_are(frame: Any, kind: Any) -> None:
    assert enforce_schema(frame, one(kind), "strict") is frame


def test_what_a_warning_lets_pass_is_left_as_it_is_and_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = pd.DataFrame({"a": [2.5], "b": [1.5]})
    schema = Schema([ColSpec("long", "a"), ColSpec("double", "b"), ColSpec("double", "c")])
    with caplog.at_level(logging.WARNING):
        made = enforce_schema(frame, schema, "warn")
    assert made is frame
    (record,) = caplog.records
    lines = [line.split() for line in record.getMessage().splitlines()[2:]]
    assert lines == [["a", "long", "float64"], ["c", "double", "missing"]]


@pytest.mark.parametrize(
    "schema",
    [
        Schema([ColSpec("long", "a"), ColSpec("long", "b")]),
        Schema([TensorSpec("float32", (-1,), "a"), TensorSpec("float32", (-1,), "b")]),
        Schema([TensorSpec("float32", (-1, 7))]),
    ],
)
def test_data_of_another_kind_passes_with_a_warning_too(
    schema: Schema, caplog: pytest.LogCaptureFixture
) -> None:
    data = np.ones((2, 2))
    with caplog.at_level(logging.WARNING):
        assert enforce_schema(data, schema, "warn") is data
    assert len(caplog.records) == 1


def test_each_column_has_a_policy_of_its_own() -> None:
    frame = pd.DataFrame({"a": ["1"], "b": ["2"], "c": [3]})
    schema = Schema([ColSpec("long", name) for name in "abc"])
    policy = Policy(columns={"a": "coerce", "b": "warn"})
    made = enforce_schema(frame, schema, policy)
    assert made.iloc[0].tolist() == [1, "2", 3]
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(frame, schema, Policy("strict", {"a": "coerce"}))
    assert [v.column for v in caught.value.violations] == ["b"]


def test_tensors_are_coerced_if_every_value_survives() -> None:
    schema = Schema([TensorSpec("int64", (-1, 2))])
    assert enforce_schema([[1.0, 2.0]], schema, "coerce").dtype == "int64"
    with pytest.raises(SchemaViolation, match=r"1\.5"):
        enforce_schema(np.array([[1.0, 1.5]]), schema, "coerce")
    with pytest.raises(SchemaViolation, match=r"of shape \(1, 3\)"):
        enforce_schema([[1, 2, 3]], schema, "coerce")


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidValue, match="no enforcement 'lax'; give one of 'mlflow', 'strict'"):
        enforce_schema(column([1]), one("long"), "lax")


def test_a_policy_for_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"names 'agee'.*it has 'a'"):
        enforce_schema(column([1]), one("long"), Policy(columns={"agee": "coerce"}))
