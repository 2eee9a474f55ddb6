"""What a model is asked over a wire, and what it answers."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models.predictions import serialize
from chiplog.core.models.schema import Array, ColSpec, DataType, Schema, TensorSpec
from chiplog.core.models.scoring import (
    BadRequest,
    UnsupportedMediaType,
    convert_input_example_to_serving_input,
    parse,
)

NUMBERS = Schema([ColSpec(DataType.double, "a"), ColSpec(DataType.long, "b")])
pandas = pytest.mark.framework


def _parsed(body: Any, schema: Schema | None = None, **options: Any) -> Any:
    return parse(json.dumps(body), "json", schema, **options)


@pandas
@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["b", "a"], "data": [[1, 2], [3, 4]]}},
        {"dataframe_split": {"columns": ["b", "a"], "index": [7, 8], "data": [[1, 2], [3, 4]]}},
        {"dataframe_records": [{"a": 2, "b": 1}, {"a": 4, "b": 3}]},
        {"instances": [{"a": 2, "b": 1}, {"a": 4, "b": 3}]},
        {"inputs": {"a": [2, 4], "b": [1, 3]}},
        {"inputs": [{"a": 2, "b": 1}, {"a": 4, "b": 3}], "other": "is passed over"},
    ],
)
def test_a_table_may_come_in_any_of_the_forms(body: dict[str, Any]) -> None:
    frame = _parsed(body, NUMBERS).data
    assert frame[["a", "b"]].to_numpy().tolist() == [[2.0, 1], [4.0, 3]]
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "a": "float64",
        "b": "int64",
    }


@pandas
def test_a_row_or_one_columns_values_need_no_list_around_them() -> None:
    assert _parsed({"inputs": {"a": 1, "b": 2}}, NUMBERS).data.to_numpy().tolist() == [[1.0, 2]]
    texts = Schema([ColSpec(DataType.string, "text")])
    assert _parsed({"inputs": ["x", "y"]}, texts).data["text"].tolist() == ["x", "y"]
    assert _parsed({"inputs": "x"}, texts).data["text"].tolist() == ["x"]


@pandas
def test_columns_get_the_types_that_json_cannot_tell() -> None:
    kinds = {"f": DataType.float, "i": DataType.integer, "t": DataType.datetime}
    schema = Schema(
        [
            *(ColSpec(kind, name) for name, kind in kinds.items()),
            ColSpec(DataType.binary, "raw"),
            ColSpec(DataType.double, "empty", required=False),
            ColSpec(Array(DataType.long), "list"),
        ]
    )
    row = {"f": 1, "i": 2, "t": "2024-05-01T10:00:00", "raw": "YWJj\n", "empty": None, "list": [1]}
    frame = _parsed({"dataframe_records": [row]}, schema).data
    assert frame["f"].dtype == np.float32
    assert frame["i"].dtype == np.int32
    assert frame["t"][0] == dt.datetime(2024, 5, 1, 10)  # noqa: DTZ001 - the column has no zone
    assert frame["raw"][0] == b"abc"
    assert math.isnan(frame["empty"][0])
    assert frame["list"][0] == [1]


@pandas
@pytest.mark.parametrize(
    ("kind", "given", "typed"),
    [
        (DataType.double, "1.5", 1.5),
        (DataType.long, 2.0, 2),
        (DataType.long, "2", 2),
        (DataType.boolean, 1, True),
        (DataType.string, 7, "7"),
        (DataType.string, True, "True"),
    ],
)
def test_a_value_is_converted_where_nothing_is_lost(kind: DataType, given: Any, typed: Any) -> None:
    value = _parsed({"inputs": {"x": [given]}}, Schema([ColSpec(kind, "x")])).data["x"].tolist()[0]
    assert (value, type(value)) == (typed, type(typed))


@pandas
@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (DataType.integer, 2**40),
        (DataType.long, 2.5),
        (DataType.long, "x"),
        (DataType.double, True),
        (DataType.double, "x"),
        (DataType.double, [1]),
        (DataType.boolean, 2),
        (DataType.boolean, "true"),
        (DataType.datetime, "soon"),
        (DataType.datetime, 5),
        (DataType.string, [1]),
        (DataType.binary, 5),
    ],
)
def test_what_does_not_fit_a_columns_type_is_left_for_the_schemas_check(
    kind: DataType, given: Any
) -> None:
    value = _parsed({"inputs": {"x": [given]}}, Schema([ColSpec(kind, "x")])).data["x"].tolist()[0]
    assert (value, type(value)) == (given, type(given))


@pandas
def test_a_column_is_converted_as_a_whole_or_not_at_all() -> None:
    schema = Schema([ColSpec(DataType.double, "x"), ColSpec(DataType.long, "n", required=False)])
    frame = _parsed({"inputs": {"x": ["1", "y"], "n": [1, None]}}, schema).data
    assert frame["x"].tolist() == ["1", "y"]
    assert frame["n"].isna().tolist() == [False, True]


@pandas
def test_a_table_stands_for_the_tensors_that_a_model_takes() -> None:
    one = Schema([TensorSpec("float32", (-1, 2))])
    wide = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}}
    nested = {"dataframe_split": {"columns": ["a"], "data": [[[1, 2]], [[3, 4]]]}}
    for body in (wide, nested):
        found = _parsed(body, one).data
        assert (found.dtype, found.tolist()) == (np.float32, [[1, 2], [3, 4]])
    named = Schema([TensorSpec("float32", (-1,), "x"), TensorSpec("int64", (-1, 2), "y")])
    found = _parsed({"dataframe_records": [{"x": 1, "y": [1, 2]}]}, named).data
    assert found["x"].dtype == np.float32
    assert found["y"].tolist() == [[1, 2]]


@pandas
def test_bytes_that_are_no_base64_are_refused_by_column() -> None:
    schema = Schema([ColSpec(DataType.binary, "raw")])
    with pytest.raises(BadRequest, match="column 'raw' holds bytes, and '%%' is no base64"):
        _parsed({"inputs": {"raw": ["%%"]}}, schema)


@pandas
def test_a_csv_keeps_texts_as_texts() -> None:
    schema = Schema([ColSpec(DataType.string, "code"), ColSpec(DataType.double, "x")])
    frame = parse(b"code,x\n007,1\n08,2\n", "text/csv; charset=utf-8", schema).data
    assert frame["code"].tolist() == ["007", "08"]
    assert frame["x"].dtype == np.float64


@pandas
def test_parquet_is_a_table_as_it_is() -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    buffer = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}).to_parquet(buffer)
    found = parse(buffer.getvalue(), "application/vnd.apache.parquet").data
    assert found["a"].tolist() == [1, 2]
    with pytest.raises(BadRequest, match="cannot be read as Parquet"):
        parse(b"PAR?", "parquet")


def test_arrays_get_the_type_of_their_tensor() -> None:
    schema = Schema([TensorSpec("float32", (-1, 2))])
    for body in ({"inputs": [[1, 2]]}, {"instances": [[1, 2]]}):
        found = _parsed(body, schema).data
        assert found.dtype == np.float32
        assert found.tolist() == [[1, 2]]
    small = _parsed({"inputs": [300]}, Schema([TensorSpec("uint8", (-1,))])).data
    assert small.tolist() == [300]  # out of range: for the schema's check to tell


def test_named_tensors_come_by_name_or_row_by_row() -> None:
    schema = Schema([TensorSpec("float32", (-1,), "x"), TensorSpec("int64", (-1, 2), "y")])
    by_name = {"inputs": {"x": [1, 2], "y": [[1, 2], [3, 4]]}}
    by_row = {"instances": [{"x": 1, "y": [1, 2]}, {"x": 2, "y": [3, 4]}]}
    for body in (by_name, by_row):
        found = _parsed(body, schema).data
        assert found["x"].dtype == np.float32
        assert found["y"].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(BadRequest, match="a row lacks 'y'"):
        _parsed({"instances": [{"x": 1, "y": [1, 2]}, {"x": 2}]}, schema)


def test_null_among_the_numbers_of_an_array_is_nan() -> None:
    found = _parsed({"inputs": [[1.5, None]]}).data
    assert found.dtype == np.float64
    assert math.isnan(found[0, 1])
    typed = _parsed({"inputs": [[1, None]]}, Schema([TensorSpec("float32", (-1, 2))])).data
    assert typed.dtype == np.float32


def test_without_a_signature_what_is_no_array_is_as_it_was() -> None:
    assert _parsed({"inputs": [{"a": 1}]}).data == [{"a": 1}]
    assert _parsed({"inputs": ["x", "y"]}).data.tolist() == ["x", "y"]


def test_parameters_come_beside_the_data() -> None:
    assert _parsed({"inputs": [1], "params": {"k": 2}}).params == {"k": 2}
    assert _parsed({"inputs": [1]}).params is None
    with pytest.raises(BadRequest, match="'params' is a list"):
        _parsed({"inputs": [1], "params": [2]})


def test_a_model_that_goes_by_type_hints_gets_its_inputs_as_they_are() -> None:
    assert _parsed({"inputs": [{"x": 1}]}, NUMBERS, as_given=True).data == [{"x": 1}]
    with pytest.raises(BadRequest, match="takes its data under 'inputs', not under 'instances'"):
        _parsed({"instances": [{"x": 1}]}, NUMBERS, as_given=True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[1]", "The input is a list"),
        ("null", "The input is null"),
        ("{}", "The input has nothing"),
        ('{"data": 1}', "The input has 'data'"),
        ('{"inputs": 1, "instances": 2}', "The input has 'instances' and 'inputs'"),
        ('{"inputs": ', "no valid JSON"),
        ('{"inputs": NaN}', "no valid JSON"),
        ('{"inputs": [[1, 2], [3]]}', "cannot be read as an array"),
    ],
)
def test_what_is_in_no_known_form_is_a_bad_request(body: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as caught:
        parse(body)
    assert caught.value.get_http_status_code() == 400


@pandas
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"dataframe_split": [1]}, "The data is a list, where an object with 'data'"),
        ({"dataframe_split": {"columns": ["a"]}}, "cannot be read as an object with 'data'"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "1 columns passed"),
        ({"dataframe_records": [1]}, "where a list of objects is expected"),
        ({"inputs": {"a": [1], "b": [1, 2]}}, "cannot be read as columns"),
    ],
)
def test_a_table_that_is_none_is_a_bad_request(body: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        _parsed(body, NUMBERS)


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "application/json; charset=latin-1", "application/json; format=pandas-split"],
)
def test_other_media_types_charsets_and_parameters_are_unsupported(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        parse("{}", content_type)
    assert caught.value.get_http_status_code() == 415


def test_an_example_becomes_a_request_that_gives_it_back() -> None:
    text = convert_input_example_to_serving_input(np.array([[1.5, 2]]))
    assert text is not None
    assert parse(text).data.tolist() == [[1.5, 2]]
    assert convert_input_example_to_serving_input(None) is None


# Answers


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([1.5, math.nan, math.inf]), [1.5, None, None]),
        (np.float32(2.5), 2.5),
        ([np.float64(1), np.bool_(True), np.str_("x")], [1.0, True, "x"]),
        (np.array(["a", None], dtype=object), ["a", None]),
        (np.array(["2024-01-01", "NaT"], "M8[D]"), ["2024-01-01", None]),
        ({"a": np.arange(2), 3: (1, 2)}, {"a": [0, 1], "3": [1, 2]}),
        (b"abc", "YWJj"),
        (dt.date(2024, 1, 1), "2024-01-01"),
        (None, None),
    ],
)
def test_predictions_become_plain_json(predictions: Any, expected: Any) -> None:
    assert json.loads(serialize(predictions)) == {"predictions": expected}


@pandas
def test_tables_become_rows_by_column() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "x": [1.5, math.nan],
            "n": pd.array([1, None], "Int64"),
            "t": pd.to_datetime(["2024-01-01", None]),
            "c": pd.Categorical(["low", None]),
            "l": [[1, np.int64(2)], b"abc"],
        }
    )
    assert json.loads(serialize(frame))["predictions"] == [
        {"x": 1.5, "n": 1, "t": "2024-01-01T00:00:00", "c": "low", "l": [1, 2]},
        {"x": None, "n": None, "t": None, "c": None, "l": "YWJj"},
    ]
    assert json.loads(serialize(pd.Series([1, 2], name="y"))) == {"predictions": [1, 2]}


def test_records_of_other_libraries_become_objects() -> None:
    class Record:
        def model_dump(self) -> dict[str, Any]:
            return {"x": np.float32(1)}

    assert json.loads(serialize([Record()])) == {"predictions": [{"x": 1.0}]}


def test_an_answer_without_a_form_in_json_is_refused_by_type() -> None:
    with pytest.raises(InvalidValue, match="A prediction of type object has no form in JSON"):
        serialize([object()])


def test_an_answer_is_strict_json() -> None:
    assert msgspec.json.decode(serialize({"a": [math.nan, -math.inf]})) == {
        "predictions": {"a": [None, None]}
    }
