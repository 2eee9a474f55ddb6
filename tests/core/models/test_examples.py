"""Input examples come back as they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.errors import NotFound
from chiplog.core.models import examples

if TYPE_CHECKING:
    from pathlib import Path


def kept(example: Any, directory: Path) -> tuple[Any, Any]:
    """An example and its parameters, written and read again."""
    encoded = examples.encode_example(example)
    (directory / examples.FILE).write_text(encoded.text, encoding="utf-8")
    return (
        examples.read_example(directory, encoded.info),
        examples.read_example_params(directory, encoded.info),
    )


@pytest.mark.parametrize("example", [[1, "a"], {"a": [1.5]}, "text", 3, [{"b": None}]])
def test_plain_data_is_the_same(example: Any, tmp_path: Path) -> None:
    assert kept(example, tmp_path) == (example, None)
    assert kept((example, {"k": 1}), tmp_path) == (example, {"k": 1})


def test_arrays_are_arrays_with_nan_where_they_had_it(tmp_path: Path) -> None:
    found, _ = kept(np.array([[1.5, np.nan]]), tmp_path)
    np.testing.assert_array_equal(found, [[1.5, np.nan]])
    named, _ = kept({"a": np.arange(3), "b": np.array(["x"])}, tmp_path)
    assert named["a"].tolist() == [0, 1, 2]
    assert named["b"].tolist() == ["x"]


@pytest.mark.framework
def test_frames_are_frames(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    for frame in (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), pd.DataFrame([[1.0, 2.0]])):
        found, _ = kept(frame, tmp_path)
        pd.testing.assert_frame_equal(found, frame)


@pytest.mark.framework
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix"])
def test_sparse_matrices_are_sparse(kind: str, tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    matrix = getattr(sparse, kind)(np.eye(3))
    found, _ = kept(matrix, tmp_path)
    assert found.format == matrix.format
    assert (found != matrix).nnz == 0


def test_an_example_outside_of_the_model_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("1", encoding="utf-8")
    (tmp_path / "model").mkdir()
    info = {"type": "json_object", "artifact_path": "../secret.json"}
    with pytest.raises(NotFound, match="lacks its input example"):
        examples.read_example(tmp_path / "model", info)
