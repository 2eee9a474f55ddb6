"""Artifacts of real runs by URI and run id."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import pytest

import chiplog
from chiplog.core.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def run_id(project: Path) -> str:
    """A run with a few files."""
    with chiplog.start_run() as run:
        chiplog.log_text("grün", "d/a.txt")
        chiplog.log_text("b", "d/deep/b.txt")
        chiplog.log_dict({"x": [1]}, "d.yaml")
        chiplog.log_dict({"x": float("nan")}, "d.json")
    return run.info.run_id


def test_a_listing_is_the_same_by_uri_run_and_path(run_id: str) -> None:
    by_run = chiplog.artifacts.list_artifacts(run_id=run_id, artifact_path="d")
    assert [(info.path, info.is_dir, info.file_size) for info in by_run] == [
        ("d/a.txt", False, 5),
        ("d/deep", True, None),
    ]
    assert chiplog.artifacts.list_artifacts(f"runs:/{run_id}/d") == by_run
    root = chiplog.get_run(run_id).info.artifact_uri or ""
    assert chiplog.artifacts.list_artifacts(f"{root}/d") == by_run
    assert chiplog.artifacts.list_artifacts(f"{root.removeprefix('file://')}/d") == by_run
    whole = [info.path for info in chiplog.artifacts.list_artifacts(run_id=run_id)]
    assert whole == ["d", "d.json", "d.yaml"]
    assert chiplog.artifacts.list_artifacts(f"runs:/{run_id}/") == (
        chiplog.artifacts.list_artifacts(f"runs:/{run_id}")
    )


def test_downloads_lie_under_their_own_name(run_id: str, tmp_path: Path) -> None:
    file = chiplog.artifacts.download_artifacts(f"runs:/{run_id}/d/a.txt")
    assert os.path.basename(file) == "a.txt"  # noqa: PTH119
    there = chiplog.artifacts.download_artifacts(
        run_id=run_id, artifact_path="d", dst_path=tmp_path / "out"
    )
    assert there == str(tmp_path / "out" / "d")
    assert (tmp_path / "out" / "d" / "deep" / "b.txt").read_text() == "b"
    whole = chiplog.artifacts.download_artifacts(run_id=run_id, dst_path="all")
    assert sorted(os.listdir(whole)) == ["d", "d.json", "d.yaml"]  # noqa: PTH208


def test_texts_and_dicts_are_read_in_place(run_id: str) -> None:
    assert chiplog.artifacts.load_text(f"runs:/{run_id}/d/a.txt") == "grün"
    assert chiplog.artifacts.load_dict(f"runs:/{run_id}/d.yaml") == {"x": [1]}
    found = chiplog.artifacts.load_dict(f"runs:/{run_id}/d.json")["x"]
    assert math.isnan(found)


def test_content_of_another_kind_is_a_value_error_with_the_uri(run_id: str) -> None:
    with chiplog.start_run(run_id=run_id):
        chiplog.log_stream(__import__("io").BytesIO(b"\xff\xfe"), "binary")
    for load, path in (
        (chiplog.artifacts.load_text, "binary"),
        (chiplog.artifacts.load_dict, "d/a.txt"),
    ):
        with pytest.raises(ValueError, match=f"runs:/{run_id}/{path}"):
            load(f"runs:/{run_id}/{path}")


def test_what_is_not_there_is_not_found(run_id: str) -> None:
    with pytest.raises(NotFound, match="'gone'"):
        chiplog.artifacts.download_artifacts(f"runs:/{run_id}/gone")
    with pytest.raises(NotFound, match="0" * 32):
        chiplog.artifacts.download_artifacts(f"runs:/{'0' * 32}/x")
    assert chiplog.artifacts.list_artifacts(f"runs:/{run_id}/gone") == []


def test_arguments_that_do_not_go_together_are_refused(run_id: str) -> None:
    for arguments in (
        {},
        {"artifact_uri": "x", "run_id": run_id},
        {"artifact_uri": "x", "artifact_path": "y"},
        {"artifact_uri": ""},
    ):
        with pytest.raises(InvalidValue):
            chiplog.artifacts.list_artifacts(**arguments)


def test_a_path_that_leaves_the_run_is_refused(run_id: str) -> None:
    for path in ("../x", "d/../../x", "%2e%2e/x"):
        with pytest.raises(InvalidValue, match="root"):
            chiplog.artifacts.download_artifacts(f"runs:/{run_id}/{path}")


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidValue, match=r"(?s)gopher.*file"):
        chiplog.artifacts.list_artifacts("gopher://host/x")


def test_logging_beside_the_root_is_refused_and_nothing_is_written(project: Path) -> None:
    (project / "f").write_text("x")
    with chiplog.start_run():
        for path in ("../out", "/out", "a/../../out", "a\\b"):
            with pytest.raises(InvalidValue):
                chiplog.log_artifact("f", path)
            with pytest.raises(InvalidValue):
                chiplog.log_text("x", path)
    assert not list(project.rglob("out*"))


@pytest.mark.framework
def test_an_image_is_read_back() -> None:
    pytest.importorskip("PIL")
    import numpy as np

    with chiplog.start_run() as run:
        chiplog.log_image(np.full((2, 3), 7, "uint8"), "i.png")
        chiplog.log_text("no image", "t.png")
    picture = chiplog.artifacts.load_image(f"runs:/{run.info.run_id}/i.png")
    assert (picture.size, picture.getpixel((0, 0))) == ((3, 2), 7)
    with pytest.raises(ValueError, match="no image"):
        chiplog.artifacts.load_image(f"runs:/{run.info.run_id}/t.png")


def test_a_path_that_names_a_model_of_the_run_leads_to_the_models_files(tmp_path: Path) -> None:
    client = chiplog.MlflowClient()
    (tmp_path / "MLmodel").write_text("a: 1")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.txt").write_text("w")
    with chiplog.start_run() as run:
        chiplog.log_text("own", "net/own.txt")
        for name in ("gone", "net", "model"):
            logged = chiplog.initialize_logged_model(name)
            client.log_model_artifacts(logged.model_id, str(tmp_path))
            chiplog.log_outputs([chiplog.entities.LoggedModelOutput(logged.model_id)])
            if name == "gone":
                client.delete_logged_model(logged.model_id)
    run_id = run.info.run_id
    listed = [info.path for info in client.list_artifacts(run_id, "model")]
    assert listed == ["model/MLmodel", "model/data"]
    below = chiplog.artifacts.list_artifacts(f"runs:/{run_id}/model/data")
    assert [info.path for info in below] == ["model/data/w.txt"]
    assert [info.path for info in client.list_artifacts(run_id, "net")] == ["net/own.txt"]
    assert [info.path for info in client.list_artifacts(run_id)] == ["net"]
    assert client.list_artifacts(run_id, "gone") == []
    whole = chiplog.artifacts.download_artifacts(f"runs:/{run_id}/model", dst_path=tmp_path / "o")
    assert whole == str(tmp_path / "o" / "model")
    assert sorted(os.listdir(whole)) == ["MLmodel", "data"]  # noqa: PTH208
    file = chiplog.artifacts.download_artifacts(run_id=run_id, artifact_path="model/MLmodel")
    assert os.path.basename(file) == "MLmodel"  # noqa: PTH119
    assert chiplog.artifacts.load_text(f"runs:/{run_id}/model/data/w.txt") == "w"
    with pytest.raises(NotFound):
        chiplog.artifacts.download_artifacts(f"runs:/{run_id}/model/none")
