from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chiplog.core import entities
from chiplog.core.data import (
    CodeDatasetSource,
    FileDatasetSource,
    HTTPDatasetSource,
    describe_dataset,
    from_numpy,
    from_pandas,
    get_source,
    resolve_source,
)
from chiplog.core.errors import ChiplogError, InvalidValue


def test_an_array_has_the_schema_and_profile_that_mlflow_gives() -> None:
    found = from_numpy(np.zeros((3, 2))).to_dict()
    assert found["name"] == "dataset"
    assert found["source_type"] == "code"
    assert found["schema"] == (
        '{"mlflow_tensorspec": {"features": "[{\\"type\\": \\"tensor\\", \\"tensor-spec\\": '
        '{\\"dtype\\": \\"float64\\", \\"shape\\": [-1, 2]}}]", "targets": null}}'
    )
    assert found["profile"] == (
        '{"features_shape": [3, 2], "features_size": 6, "features_nbytes": 48}'
    )


def test_named_arrays_and_targets_are_told_apart() -> None:
    features = {"x": np.zeros((3, 2)), "y": np.zeros((3, 4), "float32")}
    dataset = from_numpy(features, targets=np.zeros(3, "int64"), name="n", digest="d")
    assert (dataset.name, dataset.digest) == ("n", "d")
    assert dataset.profile == {
        "features_shape": {"x": [3, 2], "y": [3, 4]},
        "features_size": {"x": 6, "y": 12},
        "features_nbytes": {"x": 48, "y": 48},
        "targets_shape": [3],
        "targets_size": 3,
        "targets_nbytes": 24,
    }
    assert dataset.schema is not None
    specs = dataset.schema["mlflow_tensorspec"]
    assert [spec["name"] for spec in json.loads(specs["features"])] == ["x", "y"]
    assert json.loads(specs["targets"])[0]["tensor-spec"] == {"dtype": "int64", "shape": [-1]}
    assert dataset.features is features


def test_the_entity_says_the_same_as_the_dict() -> None:
    dataset = from_numpy(np.arange(3), source="http://host/a.npy")
    entity = dataset.to_entity()
    assert isinstance(entity, entities.Dataset)
    assert entity.to_dictionary() == dataset.to_dict() == json.loads(dataset.to_json())
    assert (entity.source_type, entity.source) == ("http", '{"url": "http://host/a.npy"}')


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("/data/x.csv", "local", '{"uri": "/data/x.csv"}'),
        ("file:///data/x.csv", "local", '{"uri": "file:///data/x.csv"}'),
        ("x.csv", "local", '{"uri": "x.csv"}'),
        ("s3://bucket/x.csv", "s3", '{"uri": "s3://bucket/x.csv"}'),
        ("https://host/x.csv", "http", '{"url": "https://host/x.csv"}'),
    ],
)
def test_a_source_is_known_by_its_uri_and_read_back(source: str, kind: str, text: str) -> None:
    entity = from_numpy(np.zeros(1), source=source).to_entity()
    assert (entity.source_type, entity.source) == (kind, text)
    assert get_source(entity) == resolve_source(source)
    assert get_source(entities.DatasetInput(entity)) == resolve_source(source)


def test_without_a_source_the_code_is_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"mlflow.project.x": "y", "mine": "z"}')
    source = from_numpy(np.zeros(1)).source
    assert isinstance(source, CodeDatasetSource)
    assert source.tags["mlflow.source.type"] == "LOCAL"
    assert source.tags["mlflow.project.x"] == "y"
    assert "mine" not in source.tags
    with pytest.raises(ChiplogError, match="made by code"):
        source.load()


def test_a_file_source_is_loaded_by_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some data.csv").write_text("a,b\n")
    monkeypatch.chdir(tmp_path)
    for uri in (
        "some data.csv",
        str(tmp_path / "some data.csv"),
        (tmp_path / "some data.csv").as_uri(),
    ):
        place = FileDatasetSource(uri).load(str(tmp_path / "down"))
        assert place == str(tmp_path / "down" / "some data.csv")
        assert Path(place).read_text() == "a,b\n"
        Path(place).unlink()


def test_a_file_of_a_run_is_a_source(project: Path) -> None:
    import chiplog

    with chiplog.start_run() as run:
        chiplog.log_text("a,b\n", "in/some data.csv")
    dataset = from_numpy(np.zeros(1), source=f"runs:/{run.info.run_id}/in/some data.csv")
    assert dataset.source.get_source_type() == "runs"
    place = get_source(dataset.to_entity()).load(str(project / "down"))
    assert Path(place).read_text() == "a,b\n"


def test_a_web_source_that_cannot_be_reached_says_so() -> None:
    with pytest.raises(ChiplogError, match="http://127"):
        HTTPDatasetSource("http://127.0.0.1:9/x.csv").load()


def test_what_is_no_source_is_refused_by_value() -> None:
    for source in (object(), 3, ""):
        with pytest.raises(InvalidValue, match="source"):
            from_numpy(np.zeros(1), source=source)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="'delta_table'"):
        get_source(entities.Dataset("n", "d", "delta_table", "{}"))


def test_what_is_no_data_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="list"):
        from_numpy([1, 2])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="targets"):
        from_numpy(np.zeros(1), targets=[1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ndarray"):
        from_pandas(np.zeros(1))


def test_names_and_digests_have_bounds() -> None:
    for bad in ({"name": ""}, {"name": "n" * 501}, {"digest": "d" * 37}):
        with pytest.raises(InvalidValue):
            from_numpy(np.zeros(1), **bad)  # type: ignore[arg-type]


def test_a_description_keeps_no_reference_to_the_data() -> None:
    class Array(np.ndarray[Any, Any]):
        """Can be referred to weakly."""

    data = np.zeros((10, 2)).view(Array)
    alive = weakref.ref(data)
    entity = describe_dataset(data)
    del data
    gc.collect()
    assert entity is not None
    assert alive() is None


def test_a_generator_and_other_strangers_are_never_touched() -> None:
    touched: list[int] = []

    def numbers() -> Any:
        touched.append(1)
        yield 1

    class Loader:
        def __iter__(self) -> Any:
            touched.append(2)
            return iter([1])

        def __len__(self) -> int:
            touched.append(3)
            return 1

    generator = numbers()
    for data in (generator, Loader(), map(touched.append, [4]), None, "text", {"a": Loader()}):
        assert describe_dataset(data) is None
    assert touched == []
    assert next(generator) == 1


def test_lists_are_described_as_the_arrays_they_stand_for() -> None:
    entity = describe_dataset([[1.0, 2.0], [3.0, 4.0]], [0, 1])
    assert entity == describe_dataset(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1]))
    texts = describe_dataset(["a", "x" * 10_000])
    assert texts is not None
    assert json.loads(texts.profile or "")["features_nbytes"] < 100
    assert describe_dataset([[1], [2, 3]]) is None
    assert describe_dataset([]) is None


def test_a_list_too_long_to_convert_is_left_alone() -> None:
    assert describe_dataset([0] * 200_000) is None
    assert describe_dataset([[0] * 1000] * 2000) is None


def test_the_number_of_columns_of_the_schema_is_bounded_by_its_length() -> None:
    many = {f"feature number {number} " + "x" * 100: np.zeros(1) for number in range(10_000)}
    entity = describe_dataset(many)
    assert entity is not None
    assert entity.schema is None
    assert entity.profile is not None
