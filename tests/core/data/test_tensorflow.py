"""Data sets of TensorFlow, as MLflow describes them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.framework, pytest.mark.slow]

tf = pytest.importorskip("tensorflow")

from chiplog.core.data import from_tensorflow  # noqa: E402 - TensorFlow may be missing


def pipeline(count: int = 10) -> Any:
    return tf.data.Dataset.from_tensor_slices(np.zeros((count, 3), "float32")).batch(4)


def spec(part: Any, text: Any) -> dict[str, Any]:
    (found,) = json.loads(json.loads(text)["mlflow_tensorspec"][part])
    return dict(found["tensor-spec"])


def test_a_pipeline_is_described_by_its_elements_and_their_number() -> None:
    labels = tf.data.Dataset.from_tensor_slices(np.zeros(10, "int64")).batch(4)
    found = from_tensorflow(pipeline(), targets=labels).to_dict()
    assert found["profile"] == '{"features_cardinality": 3, "targets_cardinality": 3}'
    assert spec("features", found["schema"]) == {"dtype": "float32", "shape": [-1, 3]}
    assert spec("targets", found["schema"]) == {"dtype": "int64", "shape": [-1]}
    assert from_tensorflow(pipeline()).digest != from_tensorflow(pipeline(11)).digest
    assert from_tensorflow(pipeline()).digest == from_tensorflow(pipeline()).digest


def test_a_tensor_is_described_by_its_shape_and_size() -> None:
    dataset = from_tensorflow(tf.zeros((4, 2)), targets=tf.zeros(4), name="n", digest="d")
    found = dataset.to_dict()
    assert (dataset.name, dataset.digest) == ("n", "d")
    assert found["profile"] == '{"features_cardinality": 8, "targets_cardinality": 4}'
    assert spec("features", found["schema"]) == {"dtype": "float32", "shape": [-1, 2]}


def test_elements_without_a_place_in_the_format_have_no_schema() -> None:
    pairs = tf.data.Dataset.from_tensor_slices((np.zeros((10, 3)), np.zeros(10)))
    found = from_tensorflow(pairs)
    assert found.schema is None
    assert found.profile == {"features_cardinality": 10}
    ragged = tf.data.Dataset.from_tensors(tf.ragged.constant([[1], [2, 3]]))
    assert from_tensorflow(ragged).profile == {"features_cardinality": 1}


def test_a_pipeline_is_read_a_little_way_only() -> None:
    drawn: list[int] = []

    def endless() -> Any:
        while True:
            drawn.append(1)
            yield np.zeros(2, "float32")

    signature = tf.TensorSpec((2,), tf.float32)
    source = tf.data.Dataset.from_generator(endless, output_signature=signature)
    assert from_tensorflow(source).profile == {"features_cardinality": -2}
    assert len(drawn) < 20


def test_what_is_no_tensor_is_told() -> None:
    with pytest.raises(TypeError, match="not ndarray"):
        from_tensorflow(np.zeros(3))
    with pytest.raises(TypeError, match="targets of the same kind"):
        from_tensorflow(pipeline(), targets=tf.zeros(4))
