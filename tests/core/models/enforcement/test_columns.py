"""Columns: what widens, what is refused, and what comes back; the tables are MLflow's rules."""

from __future__ import annotations

import datetime as dt
import decimal
import logging
from typing import Any

import numpy as np
import pytest

from chiplog.core.models.enforcement import SchemaViolation, enforce_schema, validate_schema
from chiplog.core.models.schema import AnyType, ColSpec, DataType, Schema
from chiplog.core.models.signature import infer_schema

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.framework

NAN = float("nan")


def column(values: Any, dtype: Any = None) -> Any:
    if str(dtype).endswith("[pyarrow]"):
        pytest.importorskip("pyarrow")
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


def one(kind: str, name: Any = "a", *, required: bool = True) -> Schema:
    return Schema([ColSpec(kind, name, required)])


# What each kind of column becomes, by the type the signature wants; what is not there is refused.
RULES: dict[str, tuple[Any, dict[str, str]]] = {
    "bool": (column([True, False]), {"boolean": "bool"}),
    "int8": (column([1], "int8"), {"integer": "int32", "long": "int64", "double": "float64"}),
    "int16": (column([1], "int16"), {"integer": "int32", "long": "int64", "double": "float64"}),
    "int32": (column([5], "int32"), {"integer": "int32", "long": "int64", "double": "float64"}),
    "int64": (column([5], "int64"), {"long": "int64"}),
    "uint8": (column([5], "uint8"), {"integer": "int32", "long": "int64", "double": "float64"}),
    "uint32": (column([5], "uint32"), {"long": "int64", "double": "float64"}),
    "uint64": (column([5], "uint64"), {}),
    "float16": (column([5], "float16"), {"float": "float32", "double": "float64"}),
    "float32": (column([5], "float32"), {"float": "float32", "double": "float64"}),
    "float64": (column([5.0], "float64"), {"double": "float64"}),
    "zeros and ones": (column([0, 1]), {"long": "int64", "float": "float32", "double": "float64"}),
    "text": (column(["x"]), {"string": "str", "binary": "str"}),
    "digits": (column(["5"]), {"string": "str", "binary": "str"}),
    "ISO 8601": (column(["2020-01-01"]), {"string": "str", "binary": "str"}),
    "timedelta": (column([1], "timedelta64[ns]"), {}),
    "datetime64[s]": (column(["2020-01-01"], "datetime64[s]"), {"datetime": "datetime64[ns]"}),
    "object of int": (
        column([5], object),
        {"long": "int64", "string": "object", "binary": "object"},
    ),
    "object of float": (
        column([5.5], object),
        {"double": "float64", "string": "object", "binary": "object"},
    ),
    "object of int and float": (
        column([1, 1.5], object),
        {"double": "float64", "string": "object", "binary": "object"},
    ),
    "object of int and None": (  # as longs, MLflow would refuse them
        column([5, None], object),
        {"long": "Int64", "double": "float64", "string": "object", "binary": "object"},
    ),
    "object of bool": (
        column([True], object),
        {"boolean": "bool", "string": "object", "binary": "object"},
    ),
    "object of bool and None": (
        column([True, None], object),
        {"boolean": "object", "string": "object", "binary": "object"},
    ),
    "object of bytes": (column([b"x"], object), {"string": "object", "binary": "object"}),
    "object of date": (
        column([dt.date(2020, 1, 1)], object),
        {"datetime": "datetime64[ns]", "string": "object", "binary": "object"},
    ),
    "object of Decimal": (
        column([decimal.Decimal("1.5"), None], object),
        {"double": "float64", "string": "object", "binary": "object"},
    ),
    "object of all sorts": (
        column([1, "x"], object),
        {"string": "object", "binary": "object"},
    ),
    "object of None": (
        column([None, None], object),
        {
            "boolean": "object",
            "float": "float32",
            "double": "float64",
            "string": "object",
            "binary": "object",
            "datetime": "datetime64[ns]",
        },
    ),
}


@pytest.mark.parametrize("given", RULES)
@pytest.mark.parametrize("kind", [kind.value for kind in DataType])
def test_a_column_widens_or_is_refused(given: str, kind: str) -> None:
    frame, becomes = RULES[given]
    if kind not in becomes:
        with pytest.raises(SchemaViolation, match=r"^Failed to enforce schema of data"):
            enforce_schema(frame, one(kind))
        return
    made = enforce_schema(frame, one(kind))["a"]
    text = {"object", "str"} if becomes[kind] == "str" else {becomes[kind]}
    assert str(made.dtype) in text  # pandas 2 has objects where pandas 3 has text
    if kind == "datetime":
        assert made.equals(pd.to_datetime(frame["a"]).astype("datetime64[ns]"))
    else:
        assert made.astype(object).equals(frame["a"].astype(made.dtype).astype(object))


def test_data_that_fits_is_handed_back_itself() -> None:
    frame = pd.DataFrame({"a": [1.5], "b": ["x"], "c": [1]})
    assert enforce_schema(frame, infer_schema(frame)) is frame


def test_data_is_never_changed_in_place() -> None:
    frame = column([1, 2], "int32")
    made = enforce_schema(frame, one("long"))
    made.iloc[0, 0] = 7
    assert frame["a"].tolist() == [1, 2]
    assert frame["a"].dtype == "int32"


def test_columns_come_in_the_signatures_order_and_extra_ones_go_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = pd.DataFrame({"z": [1], "b": ["x"], "y": [2], "a": [1.5]}, index=["row"])
    schema = Schema([ColSpec("double", "a"), ColSpec("string", "b")])
    with caplog.at_level(logging.WARNING):
        made = enforce_schema(frame, schema)
    assert list(made.columns) == ["a", "b"]
    assert list(made.index) == ["row"]
    assert [record.getMessage() for record in caplog.records] == [
        "Not in the model's signature, and left out: 'z', 'y'."
    ]


def test_an_optional_column_may_be_absent_but_not_of_another_type() -> None:
    schema = Schema([ColSpec("double", "a"), ColSpec("string", "b", required=False)])
    frame = pd.DataFrame({"a": [1.5]})
    assert enforce_schema(frame, schema) is frame
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(frame.assign(b=1), schema)
    assert [v.column for v in caught.value.violations] == ["b"]


def test_missing_values_are_no_violation_where_the_type_can_hold_them() -> None:
    frame = pd.DataFrame({"a": [NAN, 1.0], "b": [None, "x"]})
    schema = Schema([ColSpec("double", "a"), ColSpec("string", "b")])
    assert enforce_schema(frame, schema) is frame


def test_columns_without_names_go_by_position() -> None:
    schema = Schema([ColSpec("double"), ColSpec("string")])
    frame = pd.DataFrame({"u": [1.5], "v": ["x"], "w": [1]})
    assert list(enforce_schema(frame, schema).columns) == ["u", "v"]
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(frame[["u"]], schema)
    assert [(v.column, v.got) for v in caught.value.violations] == [(1, "missing")]


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([[1.5, 2.5]], columns=["a", "a"])
    with pytest.raises(SchemaViolation, match="2 columns of this name"):
        enforce_schema(frame, one("double"))


def test_columns_without_names_may_bear_one_name_twice() -> None:
    frame = pd.DataFrame([[1, 2.5]], columns=["a", "a"]).astype({"a": "float32"})
    made = enforce_schema(frame, Schema([ColSpec("double"), ColSpec("double")]))
    assert list(made.columns) == ["a", "a"]
    assert [str(dtype) for dtype in made.dtypes] == ["float64", "float64"]


def test_columns_of_several_levels_are_found_again_from_json() -> None:
    frame = pd.DataFrame([[1.5]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    schema = Schema.from_json(infer_schema(frame).to_json())
    assert enforce_schema(frame, schema) is frame


def test_a_column_of_any_type_is_left_alone() -> None:
    things = [object(), {1: 2}, "x"]
    frame = column(things, object)
    assert enforce_schema(frame, Schema([ColSpec(AnyType(), "a")])) is frame


# What MLflow has no rule for.


@pytest.mark.parametrize(
    ("dtype", "kind", "becomes"),
    [
        ("Int64", "long", "Int64"),
        ("Int32", "integer", "Int32"),
        ("Int32", "long", "Int64"),
        ("Int32", "double", "float64"),
        ("UInt8", "long", "Int64"),
        ("Float32", "double", "float64"),
        ("Float64", "double", "float64"),
        ("boolean", "boolean", "boolean"),
        ("int32[pyarrow]", "long", "Int64"),
        ("double[pyarrow]", "double", "float64"),
        ("bool[pyarrow]", "boolean", "boolean"),
    ],
)
def test_nullable_columns_stay_nullable_where_values_are_missing(
    dtype: str, kind: str, becomes: str
) -> None:
    made = enforce_schema(column([1, None], dtype), one(kind))["a"]
    assert str(made.dtype) == becomes
    assert made.isna().tolist() == [False, True]
    assert made[0] == 1


@pytest.mark.parametrize(
    ("dtype", "kind", "becomes"),
    [
        ("Int64", "long", "int64"),
        ("Float32", "float", "float32"),
        ("boolean", "boolean", "bool"),
        ("int64[pyarrow]", "long", "int64"),
    ],
)
def test_nullable_columns_without_missing_values_are_numpys(
    dtype: str, kind: str, becomes: str
) -> None:
    made = enforce_schema(column([1, 0], dtype), one(kind))["a"]
    assert (str(made.dtype), made.tolist()) == (becomes, [1, 0])


def test_nullable_columns_follow_the_rules_of_the_types_they_stand_for() -> None:
    for dtype, kind in (("Int64", "double"), ("Int64", "integer"), ("Float64", "long")):
        with pytest.raises(SchemaViolation):
            enforce_schema(column([5, None], dtype), one(kind))


def test_missing_values_in_an_integer_column_are_counted_and_located() -> None:
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(column([1, NAN, 3, NAN]), one("long"))
    (violation,) = caught.value.violations
    assert violation.got == "float64, 2 values missing, first in row 1"
    assert "'Int64'" in str(violation.hint)


def test_categories_stay_categories_of_the_signatures_type() -> None:
    frame = column(pd.Categorical(["u", None, "v"]))
    assert enforce_schema(frame, infer_schema(frame)) is frame
    assert enforce_schema(column(pd.Categorical([1, 2])), one("long"))["a"].dtype == "category"
    with pytest.raises(SchemaViolation):
        enforce_schema(frame, one("long"))


def test_times_with_a_zone_become_utc_without_one() -> None:
    times = pd.to_datetime(["2020-01-01T02:00", None]).tz_localize("Europe/Berlin")
    made = enforce_schema(column(times), one("datetime"))["a"]
    assert str(made.dtype) == "datetime64[ns]"
    assert made[0] == pd.Timestamp("2020-01-01T01:00")
    assert made.isna().tolist() == [False, True]


def test_objects_of_several_zones_become_utc_too() -> None:
    zones = [dt.timezone(dt.timedelta(hours=hours)) for hours in (0, 2)]
    times = [dt.datetime(2020, 1, 1, 5, tzinfo=zone) for zone in zones]
    made = enforce_schema(column([*times, None], object), one("datetime"))["a"]
    assert made.dropna().tolist() == [pd.Timestamp(2020, 1, 1, 5), pd.Timestamp(2020, 1, 1, 3)]
    with pytest.raises(SchemaViolation):
        enforce_schema(column([times[0], dt.datetime(2020, 1, 1)], object), one("datetime"))  # noqa: DTZ001


def test_years_that_nanoseconds_do_not_reach_keep_their_unit() -> None:
    frame = column(np.array(["9999-12-31"], dtype="datetime64[s]"))
    assert enforce_schema(frame, one("datetime"))["a"][0] == pd.Timestamp("9999-12-31")


@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]", "object"])
def test_text_is_text_in_every_pandas(dtype: str) -> None:
    frame = column(["x", None], dtype)
    assert enforce_schema(frame, one("string")) is frame
    with pytest.raises(SchemaViolation):
        enforce_schema(frame, one("double"))


def test_sparse_columns_follow_the_type_of_their_values() -> None:
    frame = column(pd.arrays.SparseArray([0.0, 1.0, 0.0]))
    assert enforce_schema(frame, one("double"))["a"].tolist() == [0.0, 1.0, 0.0]
    with pytest.raises(SchemaViolation):
        enforce_schema(frame, one("long"))


def test_validation_raises_and_converts_nothing() -> None:
    frame = column([1], "int32")
    validate_schema(frame, one("long"))
    assert frame["a"].dtype == "int32"
    with pytest.raises(SchemaViolation):
        validate_schema(frame, one("string"))
