"""Data of an evaluation, taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chiplog.core.data import from_numpy, from_pandas, from_polars
from chiplog.core.errors import InvalidValue
from chiplog.core.evaluation.dataset import read_dataset
from chiplog.core.evaluation.values import as_values

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4, 5, 6], "y": [0, 1, 1], "p": [0, 1, 0]})


def listed(values: Any) -> list[Any] | None:
    return None if values is None else values.tolist()


def test_a_frame_is_split_by_its_columns() -> None:
    data = read_dataset(FRAME, "y", "p")
    assert data.feature_names == list(data.features.columns) == ["a", "b"]
    assert listed(data.labels) == [0, 1, 1]
    assert listed(data.predictions) == [0, 1, 0]
    assert (data.name, len(data)) == ("dataset", 3)
    assert data.entity is not None
    assert '"y"' in str(data.entity.schema)
    assert list(FRAME.columns) == ["a", "b", "y", "p"]


def test_features_can_be_chosen_and_rows_weighed_by_a_column() -> None:
    data = read_dataset(FRAME, "y", feature_names=["b"], weights="a")
    assert data.feature_names == ["b"]
    assert listed(data.weights) == [1, 2, 3]
    assert read_dataset(FRAME, "y", weights="a").feature_names == ["b", "p"]


@pytest.mark.parametrize("form", [np.asarray, list, pd.Series])
def test_targets_may_be_values(form: Any) -> None:
    for features in (FRAME[["a", "b"]], FRAME[["a", "b"]].to_numpy(), [[1, 4], [2, 5], [3, 6]]):
        data = read_dataset(features, form([0, 1, 1]))
        assert listed(data.labels) == [0, 1, 1]
        assert data.entity is not None
        assert len(data.feature_names) == 2


def test_the_columns_of_an_array_have_names() -> None:
    data = read_dataset(np.zeros((2, 10)), [0, 1])
    assert data.feature_names[0] == "feature_01"
    assert data.feature_names[-1] == "feature_10"
    named = read_dataset(np.zeros((2, 2)), [0, 1], feature_names=["x", "z"])
    assert named.feature_names == named.features.columns.tolist() == ["x", "z"]
    with pytest.raises(InvalidValue, match="3 feature_names are given for 2"):
        read_dataset(np.zeros((2, 2)), [0, 1], feature_names=["x", "z", "w"])


def test_data_sets_know_their_targets_and_keep_their_name_and_digest() -> None:
    known = from_pandas(FRAME, targets="y", predictions="p", name="mine", digest="d1")
    data = read_dataset(known)
    assert listed(data.labels) == [0, 1, 1]
    assert listed(data.predictions) == [0, 1, 0]
    assert data.entity is not None
    assert (data.entity.name, data.entity.digest) == ("mine", "d1")
    arrays = read_dataset(from_numpy(np.zeros((3, 2)), targets=np.asarray([0, 1, 1])))
    assert listed(arrays.labels) == [0, 1, 1]
    for other in ("p", [0, 0, 0]):
        with pytest.raises(InvalidValue, match="'mine' has its targets already"):
            read_dataset(known, other)
    with pytest.raises(InvalidValue, match="has its targets already"):
        read_dataset(from_numpy(np.zeros((3, 1)), targets=np.zeros(3)), np.ones(3))
    assert listed(read_dataset(known, "y").labels) == [0, 1, 1]


def test_columns_may_have_numbers_for_names() -> None:
    data = read_dataset(pd.DataFrame([[1.0, 0], [2.0, 1]]), 1)
    assert listed(data.labels) == [0, 1]
    assert data.feature_names == ["0"]
    with pytest.raises(InvalidValue, match="no column 7"):
        read_dataset(pd.DataFrame([[1.0, 0]]), 7)


def test_polars_frames_are_read() -> None:
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = polars.DataFrame({"a": [1.0, 2.0], "y": ["n", "p"]})
    for data in (read_dataset(frame, "y"), read_dataset(from_polars(frame), "y")):
        assert listed(data.labels) == ["n", "p"]
        assert data.feature_names == ["a"]


def test_a_model_is_to_predict_what_the_data_has_a_column_for() -> None:
    data = read_dataset(FRAME, "y", "p", is_predicted=True)
    assert data.feature_names == ["a", "b"]
    assert read_dataset(FRAME, "y", "output", is_predicted=True).predictions is None


@pytest.mark.parametrize(
    ("data", "options", "text"),
    [
        (FRAME, {"targets": "z"}, r"no column 'z' to be its targets; it has 'a', 'b'"),
        (FRAME, {"targets": [1, 2]}, "one for each of the 3 rows, not 2 values"),
        (FRAME, {"targets": "y", "feature_names": ["a", "q"]}, r"\['q'\]"),
        (FRAME, {"targets": "y", "weights": [1, -1, 1]}, "not be negative"),
        (FRAME, {"targets": "y", "weights": [0, 0, 0]}, "not all zero"),
        (FRAME, {"targets": "y", "weights": ["x", "y", "z"]}, "no numbers"),
        (FRAME.assign(y=[None, "a", "b"]), {"targets": "y"}, "targets lack 1 of 3 values"),
        (FRAME.assign(y=[np.nan, 1, 2]), {"targets": "y"}, "targets lack 1 of 3 values"),
        (np.zeros((2, 2)), {"targets": "y"}, "targets='y' names a column"),
        ("file.csv", {}, "Cannot evaluate on a str"),
        (iter([1]), {}, "Cannot evaluate on a list_iterator"),
    ],
)
def test_what_does_not_fit_is_told(data: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidValue, match=text):
        read_dataset(data, **options)


@pytest.mark.parametrize(
    ("series", "expected", "kind"),
    [
        (pd.Series([1, 2], dtype="Int64"), [1, 2], "i"),
        (pd.Series([1, None], dtype="Int64"), [1, np.nan], "f"),
        (pd.Series([0.5, None], dtype="Float64"), [0.5, np.nan], "f"),
        (pd.Series([True, False], dtype="boolean"), [True, False], "b"),
        (pd.Series(["a", "b"], dtype="string"), ["a", "b"], "O"),
        (pd.Series(["a", None], dtype="string"), ["a", None], "O"),
        (pd.Series(["b", "a"], dtype="category"), ["b", "a"], "O"),
        (pd.Series([2, 1], dtype="category"), [2, 1], "i"),
    ],
)
def test_nullable_and_categorical_columns_become_plain_values(
    series: Any, expected: list[Any], kind: str
) -> None:
    values = as_values(series)
    assert values.dtype.kind == kind
    assert pd.Series(values.tolist()).equals(pd.Series(expected))
