from __future__ import annotations

import datetime as dt
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from chiplog.core.artifacts.content import log_dict, log_stream, log_text
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from chiplog.core.stores import ArtifactStore


def read(store: ArtifactStore, path: str) -> str:
    with store.open(path) as file:
        return file.read().decode()


def test_a_text_is_stored_as_utf8_without_touching_line_ends(store: ArtifactStore) -> None:
    log_text(store, "grün\r\n\n", "notes/a.txt")
    assert read(store, "notes/a.txt") == "grün\r\n\n"


def test_a_text_that_is_none_is_a_type_error(store: ArtifactStore) -> None:
    with pytest.raises(TypeError, match=r"'a\.txt'.*int"):
        log_text(store, 1, "a.txt")  # type: ignore[arg-type]


def test_a_text_with_half_a_character_is_refused(store: ArtifactStore) -> None:
    with pytest.raises(ValueError, match=r"'a\.txt'.*surrogates"):
        log_text(store, "\ud800", "a.txt")


def test_a_bad_path_is_refused_before_the_content_is_looked_at(store: ArtifactStore) -> None:
    for log, content in ((log_text, 1), (log_dict, {1, 2}), (log_stream, None)):
        with pytest.raises(InvalidValue, match=r"'\.\./a'"):
            log(store, content, "../a")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["d.json", "d.txt", "d"])
def test_a_dict_is_indented_json_unless_its_name_is_yaml(store: ArtifactStore, name: str) -> None:
    log_dict(store, {"b": 1, "a": [1, None]}, name)
    assert read(store, name) == '{\n  "b": 1,\n  "a": [\n    1,\n    null\n  ]\n}'


def test_json_says_what_it_does_not_know_as_text(store: ArtifactStore) -> None:
    log_dict(
        store,
        {"day": dt.datetime(2020, 1, 2, tzinfo=dt.UTC), "array": np.arange(2), "nan": float("nan")},
        "d.json",
    )
    found = json.loads(read(store, "d.json"))
    assert (found["day"], found["array"]) == ("2020-01-02 00:00:00+00:00", "[0 1]")
    assert found["nan"] != found["nan"]


@pytest.mark.parametrize("name", ["d.yaml", "d.yml", "D.YML"])
def test_yaml_is_plain_and_reads_back(store: ArtifactStore, name: str) -> None:
    shared = [1, 2]
    value = {"z": 1, "ü": "ß", "a": (1, 2), "n": None, "x": shared, "y": shared, "s": "yes"}
    log_dict(store, value, name)
    text = read(store, name)
    assert "!!" not in text
    assert "&" not in text
    assert yaml.safe_load(text) == {**value, "a": [1, 2]}


def test_yaml_says_what_it_does_not_know_as_text(store: ArtifactStore) -> None:
    class Text(str):
        __slots__ = ()

    log_dict(store, {"a": np.arange(2), "f": np.float64(0.5), "t": Text("t"), "o": 1j}, "d.yaml")
    found = yaml.safe_load(read(store, "d.yaml"))
    assert found == {"a": "[0 1]", "f": 0.5, "t": "t", "o": "1j"}


@pytest.mark.parametrize("name", ["d.json", "d.yaml"])
def test_a_list_is_a_document_too(store: ArtifactStore, name: str) -> None:
    log_dict(store, [1, {"a": 2}], name)
    assert yaml.safe_load(read(store, name)) == [1, {"a": 2}]


def test_a_list_within_itself_does_not_end_the_program(store: ArtifactStore) -> None:
    loop: list[Any] = []
    loop.append(loop)
    for name in ("d.json", "d.yaml"):
        with pytest.raises(ValueError, match=f"'{name}' cannot be written"):
            log_dict(store, loop, name)


@pytest.mark.parametrize("size", [0, 3, (8 << 20) + 12345])
def test_a_stream_is_stored_to_its_end_whatever_its_size(store: ArtifactStore, size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    stream = io.BytesIO(b"read before" + data)
    stream.seek(11)
    log_stream(store, stream, "s/x.bin")
    with store.open("s/x.bin") as file:
        assert file.read() == data


def test_a_stream_of_text_is_a_type_error(store: ArtifactStore) -> None:
    with pytest.raises(TypeError, match="binary mode"):
        log_stream(store, io.StringIO("abc"), "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"read\(\)"):
        log_stream(store, b"abc", "x")  # type: ignore[arg-type]
