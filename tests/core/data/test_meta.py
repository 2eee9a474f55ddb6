"""Data sets of which only the description is here."""

from __future__ import annotations

import pytest

from chiplog.core.data import HTTPDatasetSource, MetaDataset, get_source
from chiplog.core.models.schema import ColSpec, DataType, Schema

SOURCE = HTTPDatasetSource("http://host/a.csv")


def test_only_what_is_known_is_told() -> None:
    found = MetaDataset(SOURCE, name="n").to_dict()
    assert found.pop("digest")
    assert found == {
        "name": "n",
        "source": '{"url": "http://host/a.csv"}',
        "source_type": "http",
    }


def test_a_schema_is_told_in_mlflows_format() -> None:
    dataset = MetaDataset(SOURCE, schema=Schema([ColSpec(DataType.long, "a")]))
    assert dataset.to_dict()["schema"] == (
        '{"mlflow_colspec": [{"type": "long", "name": "a", "required": true}]}'
    )
    entity = dataset.to_entity()
    assert entity.profile is None
    assert get_source(entity) == SOURCE


def test_digests_tell_descriptions_apart() -> None:
    schema = Schema([ColSpec(DataType.long, "a")])
    all_of_them = [
        MetaDataset(SOURCE),
        MetaDataset(SOURCE, name="other"),
        MetaDataset(SOURCE, schema=schema),
        MetaDataset(HTTPDatasetSource("http://host/b.csv")),
    ]
    assert len({one.digest for one in all_of_them}) == 4
    assert MetaDataset(SOURCE).digest == MetaDataset(SOURCE).digest
    assert MetaDataset(SOURCE, digest="mine").digest == "mine"


def test_a_source_must_be_one() -> None:
    with pytest.raises(TypeError, match=r"'http://host/a\.csv'"):
        MetaDataset("http://host/a.csv")  # type: ignore[arg-type]
