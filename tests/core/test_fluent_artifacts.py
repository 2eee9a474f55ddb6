"""Artifacts of the active run with the module's functions."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
import pytest

import chiplog
from chiplog.core.errors import InvalidValue, NotFound

pytestmark = pytest.mark.usefixtures("project")


def stored(run: chiplog.ActiveRun, path: str) -> bytes:
    return Path(chiplog.MlflowClient().download_artifacts(run.info.run_id, path)).read_bytes()


def test_texts_dicts_and_streams_become_files() -> None:
    with chiplog.start_run() as run:
        chiplog.log_text("é", "a/text.txt")
        chiplog.log_dict({"k": [1]}, "dict.yaml")
        chiplog.log_stream(io.BytesIO(b"\x00\x01"), "raw.bin")
    assert stored(run, "a/text.txt") == "é".encode()
    assert stored(run, "dict.yaml") == b"k:\n- 1\n"
    assert stored(run, "raw.bin") == b"\x00\x01"


def test_files_and_folders_are_copied(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "one").write_text("1")
    with chiplog.start_run() as run:
        chiplog.log_artifact(folder / "one")
        chiplog.log_artifact(folder, "in")
        chiplog.log_artifacts(folder, "contents")
        with pytest.raises(NotFound, match="no file"):
            chiplog.log_artifact("missing")
        with pytest.raises(NotFound, match="no file or directory"):
            chiplog.log_artifacts("missing")
        with pytest.raises(InvalidValue):
            chiplog.log_text("x", "../out.txt")
    for path in ("one", "in/folder/one", "contents/one"):
        assert stored(run, path) == b"1"


def test_a_run_may_be_named_and_need_not_be_active() -> None:
    with chiplog.start_run() as run:
        pass
    chiplog.log_text("late", "late.txt", run_id=run.info.run_id)
    chiplog.log_dict({}, "late.json", run_id=run.info.run_id)
    assert stored(run, "late.txt") == b"late"
    assert chiplog.active_run() is None


def test_images_and_tables_are_kept_and_noted_in_tags() -> None:
    pytest.importorskip("PIL")
    pytest.importorskip("pandas")
    with chiplog.start_run() as run:
        chiplog.log_image(np.zeros((2, 2), np.uint8), "black.png")
        chiplog.log_image(np.zeros((2, 2), np.uint8), key="black", step=3)
        chiplog.log_table({"a": [1, 2]}, "t.json")
    tags = chiplog.get_run(run.info.run_id).data.tags
    assert tags["mlflow.loggedImages"] == "True"
    assert "t.json" in tags["mlflow.loggedArtifacts"]
    assert stored(run, "black.png").startswith(b"\x89PNG")
    assert list(chiplog.load_table("t.json")["a"]) == [1, 2]


@pytest.mark.framework
def test_a_figure_is_drawn_in_the_format_of_its_name() -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    with chiplog.start_run() as run:
        chiplog.log_figure(figure, "plot.png", save_kwargs={"dpi": 20})
    assert stored(run, "plot.png").startswith(b"\x89PNG")


def test_asking_where_artifacts_lie_starts_a_run_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "chiplog"):
        uri = chiplog.get_artifact_uri()
    run = chiplog.active_run()
    assert run is not None
    assert run.info.run_id in uri
    assert "without an active run" in caplog.text


def test_a_link_is_stored_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "epoch3.ckpt").write_text("weights")
    (tmp_path / "latest.ckpt").symlink_to("epoch3.ckpt")
    with chiplog.start_run() as run:
        chiplog.log_artifact(tmp_path / "latest.ckpt")
        chiplog.log_artifact(tmp_path / "latest.ckpt", "checkpoints/")
    assert stored(run, "latest.ckpt") == b"weights"
    assert stored(run, "checkpoints/latest.ckpt") == b"weights"


def test_a_file_that_is_missing_is_a_file_not_found_too() -> None:
    with chiplog.start_run(), pytest.raises(FileNotFoundError):
        chiplog.log_artifact("missing")
