"""Data sets of Hugging Face's library, made here and loaded from files of this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

pytestmark = pytest.mark.framework

datasets = pytest.importorskip("datasets")

from chiplog.core import entities  # noqa: E402 - the library may be missing
from chiplog.core.data import (  # noqa: E402
    HuggingFaceDatasetSource,
    from_huggingface,
    get_source,
)
from chiplog.core.errors import InvalidValue  # noqa: E402
from chiplog.core.evaluation.dataset import read_dataset  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path


def made(count: int = 3) -> Any:
    rows = range(count)
    return datasets.Dataset.from_dict({"x": list(rows), "text": [f"t{row}" for row in rows]})


def test_a_split_is_described_by_its_columns_and_sizes() -> None:
    dataset = from_huggingface(made(), targets="x", name="mine")
    found = dataset.to_dict()
    assert (found["name"], found["source_type"]) == ("mine", "code")
    assert json.loads(str(found["schema"])) == {
        "mlflow_colspec": [
            {"type": "long", "name": "x", "required": True},
            {"type": "string", "name": "text", "required": True},
        ]
    }
    assert dataset.profile["num_rows"] == 3
    assert dataset.profile.keys() == {"num_rows", "dataset_size", "size_in_bytes"}


def test_a_digest_tells_data_apart_and_not_the_way_it_was_made() -> None:
    assert from_huggingface(made()).digest == from_huggingface(made()).digest
    assert from_huggingface(made()).digest != from_huggingface(made(4)).digest
    one = made().map(lambda row: {"x": row["x"] + 1})
    assert from_huggingface(one).digest != from_huggingface(made()).digest
    formatted = made().with_format("numpy")
    assert from_huggingface(formatted).digest == from_huggingface(made()).digest


def test_what_it_was_loaded_from_is_recorded_and_loads_again(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x,y\n1,2\n3,4\n")
    file = str(tmp_path / "data.csv")
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset("csv", data_files=file, split="train", cache_dir=cache)
    entity = from_huggingface(loaded, "csv", data_files=file).to_entity()
    assert entity.source_type == "hugging_face"
    source = get_source(entity)
    assert isinstance(source, HuggingFaceDatasetSource)
    assert json.loads(entity.source) == {
        "path": "csv",
        "config_name": "default",
        "data_dir": None,
        "data_files": file,
        "split": "train",
        "revision": None,
    }
    again = source.load(cache)
    assert from_huggingface(again).digest == entity.digest


def test_it_can_be_evaluated_on() -> None:
    data = read_dataset(from_huggingface(made(), targets="x"))
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1, 2]
    assert data.feature_names == ["text"]


def test_what_is_no_split_is_told() -> None:
    splits = datasets.DatasetDict({"train": made(), "test": made()})
    with pytest.raises(TypeError, match=r"not a DatasetDict\. Choose one of 'train', 'test'"):
        from_huggingface(splits)
    with pytest.raises(InvalidValue, match="no column 'z' to be its targets; it has 'x', 'text'"):
        from_huggingface(made(), targets="z")
    with pytest.raises(InvalidValue, match="not both"):
        from_huggingface(made(), "csv", source="a.csv")


def test_a_recorded_source_without_a_path_is_told() -> None:
    with pytest.raises(InvalidValue, match="cannot be read"):
        get_source(entities.Dataset("n", "d", "hugging_face", "{}"))
