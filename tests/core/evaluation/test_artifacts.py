"""Files of an evaluation, and results kept in a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from chiplog.core.errors import BadContent, InvalidValue, NotFound
from chiplog.core.evaluation.artifacts import EvaluationArtifact, artifact_of
from chiplog.core.evaluation.result import EvaluationResult

if TYPE_CHECKING:
    from pathlib import Path


def test_values_become_files_that_read_back_as_they_were() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    made = artifact_of("table", frame)
    assert made.file == "table.csv"
    assert made.content.equals(frame)
    array = artifact_of("numbers", np.arange(3))
    assert array.file == "numbers.npy"
    assert array.content.tolist() == [0, 1, 2]
    assert artifact_of("d", {"k": [1, None]}).content == {"k": [1, None]}
    assert artifact_of("note", "some text").content == "some text"
    assert artifact_of("note", '{"a": 1}').content == {"a": 1}
    assert artifact_of("raw.bin", b"\x00\x01").content == b"\x00\x01"


def test_figures_and_images_become_png() -> None:
    figure = pytest.importorskip("matplotlib.figure")
    image = pytest.importorskip("PIL.Image")
    drawn = figure.Figure(figsize=(1, 1), dpi=50)
    assert artifact_of("plot", drawn).content.size == (50, 50)
    assert artifact_of("plot.png", drawn).file == "plot.png"
    assert artifact_of("picture", image.new("RGB", (3, 2))).content.size == (3, 2)


def test_a_path_is_the_file_at_it(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[1]")
    for given in (tmp_path / "x.json", str(tmp_path / "x.json")):
        made = artifact_of("mine", given)
        assert (made.file, made.content) == ("mine.json", [1])
    with pytest.raises(NotFound, match=r"gone\.csv"):
        artifact_of("mine", tmp_path / "gone.csv")


def test_what_has_no_file_format_is_refused_and_never_pickled() -> None:
    with pytest.raises(InvalidValue, match="'odd' is a object, for which there is no file format"):
        artifact_of("odd", object())
    with pytest.raises(InvalidValue, match="array of objects"):
        artifact_of("odd", np.asarray([object()]))


def test_a_damaged_file_says_which_it_is() -> None:
    for file in ("a.json", "a.npy", "a.csv"):
        with pytest.raises(BadContent, match=file):
            _ = EvaluationArtifact(file, b"").content


def test_a_result_comes_back_from_its_folder(tmp_path: Path) -> None:
    artifact = EvaluationArtifact("note.txt", b"text", "runs:/1/note.txt")
    result = EvaluationResult({"a": 0.5, "n": float("nan")}, {"note": artifact}, "1")
    result.save(tmp_path / "kept")
    found = EvaluationResult.load(tmp_path / "kept")
    assert found.metrics["a"] == 0.5
    assert found.metrics["n"] != found.metrics["n"]
    assert found.artifacts == {"note": artifact}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics.json", "{"),
        ("artifacts_metadata.json", "[]"),
        ("artifacts_metadata.json", '{"a": {}}'),
        ("artifacts_metadata.json", '{"a": 3}'),
    ],
)
def test_a_damaged_folder_is_told(tmp_path: Path, name: str, text: str) -> None:
    EvaluationResult({"a": 0.5}).save(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(BadContent, match="cannot be read"):
        EvaluationResult.load(tmp_path)


def test_a_folder_that_lacks_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"metrics\.json"):
        EvaluationResult.load(tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    assert EvaluationResult.load(tmp_path).artifacts == {}
    entries: dict[str, Any] = {"x": {"uri": "/somewhere/../../x.txt"}}
    (tmp_path / "artifacts_metadata.json").write_text(json.dumps(entries))
    with pytest.raises(NotFound, match=r"lacks its artifact 'x\.txt'"):
        EvaluationResult.load(tmp_path)


def test_files_of_one_name_are_not_saved_over_each_other(tmp_path: Path) -> None:
    both = {name: EvaluationArtifact(f"{name}/table.csv", name.encode(), "") for name in ("a", "b")}
    with pytest.raises(InvalidValue, match=r"called 'table\.csv'"):
        EvaluationResult({}, both).save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
