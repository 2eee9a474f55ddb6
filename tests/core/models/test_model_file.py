"""The MLmodel file and the examples beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from chiplog.core.errors import DamagedModel, InvalidValue, NotFound
from chiplog.core.models.examples import encode_example
from chiplog.core.models.model import Model
from chiplog.core.models.signature import infer_signature

if TYPE_CHECKING:
    from pathlib import Path


def test_an_mlmodel_file_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        "flavors: {}\nsome_future_key: 7\nutc_time_created: '2020-01-01 00:00:00.000000'\n"
    )
    model = Model.load(tmp_path)
    assert (model.mlflow_version, model.model_uuid) == (None, None)
    model.save(tmp_path / "MLmodel")
    assert yaml.safe_load((tmp_path / "MLmodel").read_text())["some_future_key"] == 7


def test_an_mlmodel_file_has_sorted_keys_and_its_signature_as_text(tmp_path: Path) -> None:
    Model(signature=infer_signature(np.ones((2, 3)))).save(tmp_path / "MLmodel")
    body = yaml.safe_load((tmp_path / "MLmodel").read_text())
    assert list(body) == sorted(body)
    assert body["model_id"] is None
    assert body["signature"]["inputs"].startswith('[{"type": "tensor"')
    assert Model.load(tmp_path / "MLmodel").signature == infer_signature(np.ones((2, 3)))


def test_a_directory_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file named 'MLmodel'"):
        Model.load(tmp_path)


def test_an_array_example_has_null_for_nan_and_an_indented_serving_form() -> None:
    example = encode_example(np.array([[1.5, np.nan]]))
    assert example.text == "[[1.5, null]]"
    assert example.serving_text.startswith('{\n  "inputs": [')
    assert example.info["type"] == "ndarray"


def test_an_example_with_parameters_keeps_both() -> None:
    example = encode_example(({"a": 1}, {"p": 2}))
    assert example.text == '{"inputs": {"a": 1}, "params": {"p": 2}}'
    assert example.info["params"] == "true"


@pytest.mark.framework
def test_a_frame_example_is_split_into_columns_and_data() -> None:
    pd = pytest.importorskip("pandas")
    example = encode_example(pd.DataFrame({"a": [1, 2], "b": ["x", None]}))
    assert example.text == '{"columns": ["a", "b"], "data": [[1, "x"], [2, null]]}'
    assert example.info["pandas_orient"] == "split"
    assert encode_example(pd.DataFrame([[1.0]])).info["pandas_orient"] == "values"


def test_an_example_of_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="type object"):
        encode_example(object())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flavors: [a]", r"flavors = \['a'\], where a mapping belongs"),
        ("flavors: {a: 1}", r"flavors\.a = 1, where a mapping belongs"),
        ("metadata: 3", "metadata = 3, where a mapping belongs"),
    ],
)
def test_an_mlmodel_file_that_holds_something_else_is_damaged(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(DamagedModel, match=said):
        Model.load(tmp_path)
