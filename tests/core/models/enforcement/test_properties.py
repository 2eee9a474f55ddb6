"""What holds for any small frame."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chiplog.core.models.enforcement import SchemaViolation, enforce_schema
from chiplog.core.models.signature import infer_schema

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.framework

LONG = st.integers(-(2**63), 2**63 - 1)
WORD = st.text("abcxyz é", max_size=5)
VALUES: dict[str, Any] = {
    "int64": LONG,
    "int32": st.integers(-(2**31), 2**31 - 1),
    "uint8": st.integers(0, 255),
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "bool": st.booleans(),
    "Int64": st.one_of(st.none(), LONG),
    "boolean": st.one_of(st.none(), st.booleans()),
    "str": WORD,
    "string": st.one_of(st.none(), WORD),
    "category": WORD,
    "datetime64[ns]": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),  # noqa: DTZ001
    "lists": st.lists(LONG, min_size=1, max_size=3),
    "dicts": st.fixed_dictionaries({"x": LONG, "y": WORD}),
    "bytes": st.binary(min_size=1, max_size=4),
}


@st.composite
def frames(draw: Any) -> Any:
    rows = draw(st.integers(1, 4))
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=5))
    columns = {}
    for i, kind in enumerate(kinds):
        values = draw(st.lists(VALUES[kind], min_size=rows, max_size=rows))
        dtype = object if kind in {"lists", "dicts", "bytes"} else kind
        columns[f"c{i}"] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns)


@settings(max_examples=60, deadline=None)
@given(frames())
def test_data_fits_the_signature_that_was_read_off_it(frame: Any) -> None:
    made = enforce_schema(frame, infer_schema(frame))
    pd.testing.assert_frame_equal(made, frame, check_dtype=False)
    strict = enforce_schema(made, infer_schema(frame))
    pd.testing.assert_frame_equal(strict, made)


@settings(max_examples=40, deadline=None)
@given(frames(), st.data())
def test_a_column_that_is_missing_or_of_another_type_is_the_one_that_is_named(
    frame: Any, data: Any
) -> None:
    schema = infer_schema(frame)
    broken = data.draw(st.sampled_from(list(frame.columns)))
    spec = schema.input_dict()[broken]
    required = spec.required
    got = []
    for bad in (
        frame.drop(columns=broken),
        frame.assign(**{broken: pd.Series([np.timedelta64(1, "s")] * len(frame))}),
    ):
        try:
            enforce_schema(bad, schema)
        except SchemaViolation as error:
            got.append([violation.column for violation in error.violations])
    assert got == ([[broken], [broken]] if required else [[broken]])


@settings(max_examples=25, deadline=None)
@given(frames(), st.permutations(["extra", "c0 ", "C0"]))
def test_columns_that_the_signature_does_not_have_change_nothing(
    frame: Any, extra: list[str]
) -> None:
    more = frame.assign(**dict.fromkeys(extra, 1))[[*extra, *frame.columns[::-1]]]
    made = enforce_schema(more, infer_schema(frame))
    pd.testing.assert_frame_equal(made, frame, check_dtype=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), LONG), min_size=1, max_size=5))
def test_integers_survive_the_way_through_text(numbers: list[int | None]) -> None:
    schema = infer_schema(pd.DataFrame({"a": pd.array([1], dtype="Int64")}))
    text = pd.DataFrame(
        {"a": pd.Series([None if n is None else str(n) for n in numbers], dtype=object)}
    )
    made = enforce_schema(text, schema, "coerce")["a"]
    assert [None if value is pd.NA else value for value in made.astype(object)] == numbers
