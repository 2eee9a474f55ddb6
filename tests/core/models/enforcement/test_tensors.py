"""Tensors: exact ranks, dimensions and types."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from chiplog.core.models.enforcement import SchemaViolation, enforce_schema
from chiplog.core.models.schema import Schema, TensorSpec


def one(dtype: str, shape: tuple[int, ...], name: str | None = None) -> Schema:
    return Schema([TensorSpec(np.dtype(dtype), shape, name)])


TWO = Schema([TensorSpec("float32", (-1, 2), "a"), TensorSpec("int64", (-1,), "b")])
FITTING = {"a": np.ones((2, 2), "float32"), "b": np.arange(2)}


@pytest.mark.parametrize(
    ("array", "dtype", "shape"),
    [
        (np.ones((2, 3), "float32"), "float32", (-1, 3)),
        (np.ones((0, 3)), "float64", (-1, 3)),
        (np.array(1.5), "float64", ()),
        (np.array(["x"]), "str", (-1,)),
        (np.array([b"x"]), "bytes", (-1,)),
        (np.array(["x", 1], dtype=object), "object", (-1,)),
        (np.ones((3, 2, 4)), "float64", (3, -1, -1)),
    ],
)
def test_an_array_that_fits_is_handed_back_itself(array: Any, dtype: str, shape: Any) -> None:
    assert enforce_schema(array, one(dtype, shape)) is array


@pytest.mark.parametrize(
    ("array", "dtype", "shape", "said"),
    [
        (np.ones((2, 3)), "float32", (-1, 3), "float64 of shape (2, 3)"),
        (np.ones((2, 4)), "float64", (-1, 3), "float64 of shape (2, 4)"),
        (np.ones(3), "float64", (-1, 3), "float64 of shape (3,)"),
        (np.ones((2, 2)), "float64", (3, 2), "float64 of shape (2, 2)"),
        (np.ones(2, "int32"), "int64", (-1,), "int32 of shape (2,)"),
        (np.array(["x"], dtype=object), "str", (-1,), "object of shape (1,)"),
        ([[1.5]], "float64", (-1, 1), "a list"),
        (1.5, "float64", (), "a float"),
        ({"a": np.ones(2)}, "float64", (-1,), "a dict"),
        (None, "float64", (-1,), "None"),
    ],
)
def test_another_type_rank_or_dimension_is_refused(
    array: Any, dtype: str, shape: Any, said: str
) -> None:
    with pytest.raises(SchemaViolation, match=r"^Failed to enforce schema of data") as caught:
        enforce_schema(array, one(dtype, shape))
    (violation,) = caught.value.violations
    assert violation.got == said
    assert violation.expected == f"Tensor({dtype!r}, {shape})"


def test_another_byte_order_is_turned_round() -> None:
    made = enforce_schema(np.array([1.5], ">f8"), one("float64", (-1,)))
    assert made.dtype == np.dtype("float64")
    assert made.tolist() == [1.5]


def test_named_tensors_are_a_dict_in_the_signatures_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        made = enforce_schema({"z": np.ones(1), "b": FITTING["b"], "a": FITTING["a"]}, TWO)
    assert list(made) == ["a", "b"]
    assert all(made[name] is FITTING[name] for name in made)
    assert [record.getMessage() for record in caplog.records] == [
        "Not in the model's signature, and left out: 'z'."
    ]


def test_every_tensor_that_does_not_fit_is_named() -> None:
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema({"a": np.ones((2, 2))}, TWO)
    got = [(v.column, v.got) for v in caught.value.violations]
    assert got == [("a", "float64 of shape (2, 2)"), ("b", "missing")]


def test_one_array_answers_to_one_name_and_not_to_two() -> None:
    array = np.ones((1, 2))
    assert enforce_schema(array, one("float64", (-1, 2), "a"))["a"] is array
    with pytest.raises(SchemaViolation, match="without names"):
        enforce_schema(array, TWO)


@pytest.mark.framework
def test_sparse_matrices_are_checked_and_stay_sparse() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.csr_matrix(np.eye(2))
    assert enforce_schema(matrix, one("float64", (-1, 2))) is matrix
    with pytest.raises(SchemaViolation):
        enforce_schema(matrix, one("float64", (-1, 3)))


@pytest.mark.framework
def test_a_dataframe_makes_a_tensor_of_its_scalars_or_of_its_one_column_of_lists() -> None:
    pd = pytest.importorskip("pandas")
    wide = pd.DataFrame({"u": [1], "v": [2.5]})
    assert enforce_schema(wide, one("float64", (-1, 2))).tolist() == [[1.0, 2.5]]
    lists = pd.DataFrame({"u": [[1, 2, 3, 4], [5, 6, 7, 8]]})
    made = enforce_schema(lists, one("float32", (-1, 2, 2)))
    assert (made.dtype, made.shape) == ("float32", (2, 2, 2))
    assert made[1].tolist() == [[5, 6], [7, 8]]
    assert enforce_schema(pd.DataFrame({"u": [1]}), one("float64", (-1, 1))).tolist() == [[1.0]]
    assert enforce_schema(pd.Series([1.5]), one("float64", (-1,))).tolist() == [1.5]
    named = enforce_schema(pd.DataFrame({"b": [1], "a": [[1.0, 2.0]]}), TWO)
    assert (named["a"].tolist(), named["b"].tolist()) == ([[1.0, 2.0]], [1])


@pytest.mark.framework
@pytest.mark.parametrize(
    ("columns", "shape"),
    [
        ({"u": [1.0], "v": [2.0], "w": [3.0]}, (-1, 2)),
        ({"u": [1.0], "v": [2.0]}, (-1, 2, 2)),
        ({"u": [[1.0, 2.0], [3.0]]}, (-1, 2)),
        ({"u": [["x", "y"]]}, (-1, 2)),
        ({"u": ["x"]}, (-1,)),
        ({"u": [1.5], "v": ["x"]}, (-1, 2)),
    ],
)
def test_a_dataframe_of_another_shape_is_refused(columns: Any, shape: Any) -> None:
    pd = pytest.importorskip("pandas")
    with pytest.raises(SchemaViolation):
        enforce_schema(pd.DataFrame(columns), one("float64", shape))
