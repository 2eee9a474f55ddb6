"""Inference: the JSON that MLflow 3 writes for each kind of data, as facts."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import logging
from typing import Any

import numpy as np
import pytest

from chiplog.core.models import signature as signatures
from chiplog.core.models.signature import infer_signature

NAN = float("nan")
ANY = [{"type": "any", "required": True}]


def inferred(data: Any) -> list[dict[str, Any]]:
    signature = infer_signature(data)
    assert signature.inputs is not None
    body: list[dict[str, Any]] = json.loads(signature.inputs.to_json())
    return body


def col(kind: Any, name: Any = None, *, required: bool = True) -> dict[str, Any]:
    """A column's JSON; ``[x]`` is an array, ``{name: x}`` an object, ``"x?"`` an optional part."""
    named = {} if name is None else {"name": name}
    return {**kind_of(kind), **named, "required": required}


def kind_of(kind: Any) -> dict[str, Any]:
    if isinstance(kind, list):
        return {"type": "array", "items": kind_of(kind[0])}
    if isinstance(kind, dict):
        parts = {name: (kind_of(part), not name.endswith("?")) for name, part in kind.items()}
        properties = {n.rstrip("?"): {**body, "required": r} for n, (body, r) in parts.items()}
        return {"type": "object", "properties": properties}
    return {"type": kind}


def tensor(dtype: str, *shape: int, name: str | None = None) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    return {**named, "type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (np.float32(1), [col("float")]),
        (np.datetime64("2020-01-01"), [col("datetime")]),
        (np.str_("x"), [col("string")]),
        (np.bytes_(b"x"), [col("binary")]),
        (np.bool_(True), [col("boolean")]),
        (np.uint64(1), ANY),
        (dt.date(2020, 1, 1), [col("datetime")]),
        (NAN, ANY),
        ([1, None], [col("long")]),
        ([1.5, NAN], [col("double")]),
        ([1, 1.5], ANY),
        ([1, "a"], ANY),
        ([None, None], ANY),
        ([[1, 2], [3]], [col(["long"])]),
        ([[1], []], [col(["long"])]),
        ([[], []], ANY),
        ((1, 2), ANY),
        ([np.ones(2), np.ones(2)], [col(["double"])]),
        ([{"b": 1, "a": "x"}, {"b": 3}], [col("long", "b"), col("string", "a", required=False)]),
        ([{"a": None}, {"a": 1}], [col("long", "a", required=False)]),
        ([{"a": "x"}, {"a": NAN}], [col("string", "a")]),
        ([{1: 2}], [col("long", 1)]),
        ([{"a": 1}, {"a": "x"}], ANY),
        ({"a": 1, "b": "x"}, [col("long", "a"), col("string", "b")]),
        ({"a": [1, 2], "b": ["x"]}, [col(["long"], "a"), col(["string"], "b")]),
        ({"a": None}, [col("any", "a", required=False)]),
        ({"a": []}, [col("any", "a")]),
        ({"a": [None, 1]}, [col(["long"], "a", required=False)]),
        ({"a": [[1, 2]]}, [col([["long"]], "a")]),
        ({"a": {"x": 1}, "b": [{"y": 1}, {"y": 2, "z": "q"}]}, [
            col({"x": "long"}, "a"),
            col([{"y": "long", "z?": "string"}], "b"),
        ]),
        ({"a": np.float32(1)}, [col("float", "a")]),
        ({"a": np.ones(2), "b": 1}, [col(["double"], "a"), col("long", "b")]),
        ({}, ANY),
        ({1: 2}, ANY),
        ({"a": np.ones((2, 2)), "b": np.ones(2, "int32")}, [
            tensor("float64", -1, 2, name="a"),
            tensor("int32", -1, name="b"),
        ]),
        (np.array(1), ANY),
        (np.ones((0, 3)), [tensor("float64", -1, 3)]),
        (np.ones((2, 3, 4), "uint8"), [tensor("uint8", -1, 3, 4)]),
        (np.array(["a", "bc"]), [tensor("str", -1)]),
        (np.array([b"a"]), [tensor("bytes", -1)]),
        (np.array(["a", 1], dtype=object), [tensor("object", -1)]),
        (np.array(["2020-01-01"], "datetime64[D]"), [tensor("datetime64[D]", -1)]),
        (np.ones(2, ">f8"), [tensor("float64", -1)]),
    ],
)  # fmt: skip
def test_data_without_a_library(data: Any, expected: Any) -> None:
    assert inferred(data) == expected


def series(values: Any, dtype: Any = None) -> Any:
    pd = pytest.importorskip("pandas")
    if str(dtype).endswith("[pyarrow]"):
        pytest.importorskip("pyarrow")
    if dtype == "tz":
        return pd.Series(pd.to_datetime(values)).dt.tz_localize("UTC")
    if dtype == "period":
        return pd.Series(pd.period_range(values[0], periods=1, freq="M"))
    return pd.Series(values, dtype=dtype)


@pytest.mark.framework
@pytest.mark.parametrize(
    ("values", "dtype", "kind", "required"),
    [
        ([1, 2], "int8", "integer", True),
        ([1, 2], "uint16", "integer", True),
        ([1, 2], "uint32", "long", True),
        ([1, 2], "float16", "float", True),
        ([1, 2], "Int32", "integer", True),
        ([1, None], "Int64", "long", False),
        ([1, None], "Float64", "double", False),
        ([True, None], "boolean", "boolean", False),
        ([1, None], "int64[pyarrow]", "long", False),
        (["x", None], "string[pyarrow]", "string", False),
        (["x", None], "string", "string", False),
        (["x", None], None, "string", False),
        (["u", None], "category", "string", False),
        ([1, 2], "category", "long", True),
        (["2020-01-01", None], "datetime64[s]", "datetime", False),
        (["2020-01-01"], "tz", "datetime", True),
        ([], "float64", "double", True),
        ([1, 2], object, "long", True),
        ([1, None], object, "double", False),
        ([1, 1.5], object, "double", True),
        ([NAN, NAN], object, "double", False),
        ([None, None], object, "any", False),
        (["x", NAN], object, "string", False),
        ([True, NAN], object, "boolean", False),
        ([b"x", None], object, "binary", False),
        ([dt.date(2020, 1, 1), None], object, "datetime", False),
        ([[1, 2], None], object, ["long"], False),
        ([[]], object, "any", True),
        ([np.ones((2, 2))], object, [["double"]], True),
        ([{"x": 1, "y": "q"}, {"x": 2}], object, {"x": "long", "y?": "string"}, True),
    ],
)
def test_a_column_of_a_frame(values: Any, dtype: Any, kind: Any, required: bool) -> None:
    frame = series(values, dtype).to_frame("a")
    assert inferred(frame) == [col(kind, "a", required=required)]


@pytest.mark.framework
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1], "uint64"),
        ([1, "x"], object),
        ([decimal.Decimal("1.5")], object),
        ([1], "timedelta64[ns]"),
        (["2020-01"], "period"),
    ],
)
def test_a_frame_with_a_column_of_no_type_says_nothing(values: Any, dtype: Any) -> None:
    assert inferred(series(values, dtype).to_frame("a").assign(b=1)) == ANY


@pytest.mark.framework
def test_names_of_columns_and_series_are_kept_as_they_are() -> None:
    pd = pytest.importorskip("pandas")
    assert inferred(pd.DataFrame([[1, 2.5]])) == [col("long", 0), col("double", 1)]
    assert inferred(pd.Series([1], name="s")) == [col("long", "s")]
    assert inferred(pd.Series([1.5])) == [col("double")]
    assert inferred(pd.Series([1.5, NAN])) == ANY  # what has no name cannot be optional
    assert inferred(pd.DataFrame([[1, 2]], columns=["a", "a"])) == ANY


@pytest.mark.framework
def test_tables_of_arrow_and_polars_have_integers_that_may_be_missing() -> None:
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    content = {"n": [1, None], "s": ["x", "y"], "x": [1.5, 2.5]}
    expected = [col("long", "n", required=False), col("string", "s"), col("double", "x")]
    assert inferred(pa.table(content)) == expected
    assert inferred(pl.DataFrame(content)) == expected
    assert inferred(pl.Series("n", [1, 2])) == [col("long", "n")]


@pytest.mark.framework
def test_a_sparse_matrix_is_a_tensor() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    assert inferred(sparse.csc_matrix(np.eye(3))) == [tensor("float64", -1, 3)]


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        (1, {"type": "long", "default": 1, "shape": None}),
        (True, {"type": "boolean", "default": True, "shape": None}),
        (np.float32(1), {"type": "float", "default": 1.0, "shape": None}),
        (dt.date(2020, 1, 1), {"type": "datetime", "default": "2020-01-01", "shape": None}),
        (
            dt.datetime(2020, 1, 1),  # noqa: DTZ001
            {"type": "datetime", "default": "2020-01-01T00:00:00", "shape": None},
        ),
        ([1, 1.5], {"type": "double", "default": [1.0, 1.5], "shape": [-1]}),
        (["x"], {"type": "string", "default": ["x"], "shape": [-1]}),
        (np.array([1, 2]), {"type": "long", "default": [1, 2], "shape": [-1]}),
        ({"x": {"y": [1]}}, {
            **kind_of({"x": {"y": ["long"]}}), "default": {"x": {"y": [1]}}, "shape": None,
        }),
    ],
)  # fmt: skip
def test_a_parameter_of_a_prediction(default: Any, expected: dict[str, Any]) -> None:
    params = infer_signature(params={"a": default}).params
    assert params is not None
    assert json.loads(params.to_json()) == [{"name": "a", **expected}]


def test_integer_columns_are_worth_a_word_once(caplog: pytest.LogCaptureFixture) -> None:
    signatures._hint_at_missing_integers.cache_clear()
    with caplog.at_level(logging.INFO):
        infer_signature({"a": 1.5})
        assert not caplog.records
        infer_signature({"a": 1})
        infer_signature({"a": 1})
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert "'Int64'" in record.getMessage()
