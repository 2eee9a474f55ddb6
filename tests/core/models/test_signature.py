"""Signatures: what is read off data, in MLflow's JSON."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models.schema import ColSpec, DataType, Schema, TensorSpec
from chiplog.core.models.signature import ModelSignature, infer_signature


def inferred(data: Any) -> list[dict[str, Any]]:
    signature = infer_signature(data)
    assert signature.inputs is not None
    body: list[dict[str, Any]] = json.loads(signature.inputs.to_json())
    return body


def test_a_matrix_is_an_unnamed_tensor_of_any_length() -> None:
    assert inferred(np.ones((3, 4))) == [
        {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}
    ]


def test_a_dict_of_arrays_is_named_tensors() -> None:
    body = inferred({"a": np.ones((2, 2)), "b": np.ones(2, dtype="int32")})
    assert [(spec["name"], spec["tensor-spec"]["dtype"]) for spec in body] == [
        ("a", "float64"),
        ("b", "int32"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "long"),
        (1.5, "double"),
        (True, "boolean"),
        ("x", "string"),
        (b"x", "binary"),
        (dt.datetime(2020, 1, 1), "datetime"),  # noqa: DTZ001
        (np.float32(1), "float"),
        ([1, 2], "long"),
        ([], "string"),
    ],
)
def test_a_scalar_or_list_is_one_unnamed_column(value: Any, expected: str) -> None:
    assert inferred(value) == [{"type": expected, "required": True}]


def test_a_key_missing_in_one_row_is_optional() -> None:
    assert inferred([{"b": 1, "a": "x"}, {"b": 3}]) == [
        {"type": "long", "name": "b", "required": True},
        {"type": "string", "name": "a", "required": False},
    ]


def test_mixed_values_are_a_column_of_any_type() -> None:
    assert inferred([1, "a"]) == [{"type": "any", "required": True}]


@pytest.mark.framework
def test_a_frame_column_with_a_missing_value_is_optional() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "a": [1, 2],
            "b": [1.5, np.nan],
            "c": ["x", "y"],
            "d": pd.array([1, None], dtype="Int64"),
            "e": pd.to_datetime(["2020-01-01", None]),
            "f": pd.Categorical(["u", "v"]),
        }
    )
    assert [(s["name"], s["type"], s["required"]) for s in inferred(frame)] == [
        ("a", "long", True),
        ("b", "double", False),
        ("c", "string", True),
        ("d", "long", False),
        ("e", "datetime", False),
        ("f", "string", True),
    ]


@pytest.mark.framework
def test_lists_and_dicts_in_a_frame_are_arrays_and_objects() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [[1, 2], [3]], "b": [{"x": 1, "y": "q"}, {"x": 2}]})
    array, obj = inferred(frame)
    assert array == {"type": "array", "items": {"type": "long"}, "name": "a", "required": True}
    assert obj["properties"] == {
        "x": {"type": "long", "required": True},
        "y": {"type": "string", "required": False},
    }


def test_a_signature_survives_its_json() -> None:
    signature = infer_signature(
        [{"a": 1, "b": [1.0], "c": {"d": "x"}}], np.ones((2, 1)), {"k": [1, 2], "s": "x"}
    )
    assert ModelSignature.from_dict(signature.to_dict()) == signature


def test_columns_and_tensors_do_not_mix() -> None:
    with pytest.raises(InvalidValue, match="either columns or tensors"):
        Schema([ColSpec(DataType.long), TensorSpec("int64", (-1,))])  # type: ignore[arg-type]


def test_a_parameter_default_without_a_type_is_named_in_the_error() -> None:
    with pytest.raises(InvalidValue, match="parameter 'n' has the default None"):
        infer_signature(params={"n": None})


def test_data_is_no_schema() -> None:
    with pytest.raises(TypeError, match=r"inputs are a Schema.*as a list\. Use infer_signature"):
        ModelSignature([1.5])  # type: ignore[arg-type]  # the error looked for


def test_a_signature_shows_its_parts() -> None:
    shown = repr(infer_signature([1.5], None, {"k": 1})).split()
    assert " ".join(shown) == (
        "inputs: [double (required)] outputs: None params: ['k': long (default: 1)]"
    )


def test_an_empty_signature_is_refused() -> None:
    with pytest.raises(InvalidValue, match="all are None"):
        infer_signature()
