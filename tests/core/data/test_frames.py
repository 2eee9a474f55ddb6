from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest

from chiplog.core.data import describe_dataset, from_pandas
from chiplog.core.errors import InvalidValue

pd = pytest.importorskip("pandas")

pytestmark = pytest.mark.framework


def columns(frame: Any) -> dict[Any, Any]:
    schema = from_pandas(frame).schema
    assert schema is not None
    return {spec.pop("name"): spec for spec in schema["mlflow_colspec"]}


def test_a_frame_has_the_schema_and_profile_that_mlflow_gives() -> None:
    found = from_pandas(pd.DataFrame({"a": [1, 2], "b": [1.5, 2]}), name="n").to_dict()
    assert found["schema"] == (
        '{"mlflow_colspec": [{"type": "long", "name": "a", "required": true}, '
        '{"type": "double", "name": "b", "required": true}]}'
    )
    assert found["profile"] == '{"num_rows": 2, "num_elements": 4}'
    assert found["name"] == "n"


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("int8", "integer"),
        ("uint16", "integer"),
        ("int32", "integer"),
        ("uint32", "long"),
        ("int64", "long"),
        ("uint64", "any"),
        ("float16", "float"),
        ("float32", "float"),
        ("float64", "double"),
        ("bool", "boolean"),
        ("datetime64[ns]", "datetime"),
        ("datetime64[ns, UTC]", "datetime"),
        ("complex64", "any"),
        ("string", "string"),
        ("Int64", "long"),
        ("Float32", "float"),
        ("category", "long"),
    ],
)
def test_every_type_of_column_has_its_name(dtype: str, kind: str) -> None:
    assert columns(pd.DataFrame({"a": pd.Series([1, 0]).astype(dtype)})) == {
        "a": {"type": kind, "required": True}
    }


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([b"x", b"y"], {"type": "binary"}),
        (["x", "y"], {"type": "string"}),
        ([[1, 2], [3]], {"type": "array", "items": {"type": "long"}}),
        ([dt.date(2020, 1, 1), dt.date(2020, 1, 2)], {"type": "datetime"}),
        ([1, "a"], {"type": "any"}),
        ([{1}, {2}], {"type": "any"}),
    ],
)
def test_a_column_of_objects_is_told_by_its_values(values: list[Any], kind: Any) -> None:
    found = columns(pd.DataFrame({"a": pd.Series(values, dtype=object)}))
    assert found == {"a": {**kind, "required": True}}


def test_a_missing_value_makes_a_column_optional() -> None:
    frame = pd.DataFrame({"n": [1.0, None], "s": ["a", None], "i": pd.array([1, None], "Int64")})
    assert {name: spec["required"] for name, spec in columns(frame).items()} == {
        "n": False,
        "s": False,
        "i": False,
    }


def test_in_a_large_frame_only_a_type_without_missing_values_is_required() -> None:
    frame = pd.DataFrame({"f": np.zeros(600_000), "i": np.zeros(600_000, "int32")})
    assert {name: spec["required"] for name, spec in columns(frame).items()} == {
        "f": False,
        "i": True,
    }


def test_odd_frames_are_described_too() -> None:
    twice = pd.DataFrame([[1, "x"]], columns=["a", "a"])
    schema = from_pandas(twice).schema
    assert schema is not None
    assert [spec["type"] for spec in schema["mlflow_colspec"]] == ["long", "string"]
    assert list(columns(pd.DataFrame([[1, 2]]))) == [0, 1]
    assert set(columns(pd.DataFrame({("a", "b"): [1], np.int64(3): [2]}))) == {"('a', 'b')", 3}
    for frame in (pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame(index=range(3))):
        json.loads(from_pandas(frame).to_json())


def test_targets_and_predictions_are_columns() -> None:
    frame = pd.DataFrame({"x": [1], "y": [2]})
    dataset = from_pandas(frame, targets="y", predictions="x")
    assert (dataset.targets, dataset.predictions, dataset.df is frame) == ("y", "x", True)
    with pytest.raises(InvalidValue, match=r"'z'.*'x', 'y'"):
        from_pandas(frame, targets="z")


def test_frames_and_series_are_described_for_a_training_call() -> None:
    frame, series = pd.DataFrame({"a": [1, 2]}), pd.Series([1, 2])
    found = describe_dataset(frame, series)
    assert found is not None
    assert found == from_pandas(frame).to_entity()
    of_series = describe_dataset(series, pd.Series(["a", "b"]))
    assert of_series is not None
    assert json.loads(of_series.profile or "")["targets_shape"] == [2]


def test_a_sparse_matrix_is_described_without_making_it_dense() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    places = (np.array([0, 99_999]), np.array([5, 99_999]))
    matrix = sparse.coo_matrix((np.ones(2), places), shape=(100_000, 100_000))
    for form in ("csr", "csc", "coo", "lil", "dok"):
        found = describe_dataset(matrix.asformat(form))
        assert found is not None
        assert json.loads(found.profile or "")["features_shape"] == [100_000, 100_000]


def test_a_polars_frame_is_described() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, 2], "s": ["x", None], "l": [[1.5], [2.5]]})
    found = describe_dataset(frame)
    assert found is not None
    assert json.loads(found.schema or "")["mlflow_colspec"] == [
        {"type": "long", "name": "a", "required": True},
        {"type": "string", "name": "s", "required": False},
        {"type": "array", "items": {"type": "double"}, "name": "l", "required": True},
    ]
