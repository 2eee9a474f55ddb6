"""A model's files have digests, which are verified before any of them is read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from chiplog.core.errors import DamagedModel
from chiplog.core.models import digests, yamls
from chiplog.core.models.loading import open_model
from chiplog.core.models.model import Model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A model's directory with digests."""
    directory = tmp_path / "m"
    for name in ("model.bin", "code/mine.py", "data/deep/a"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(f"this is {name}")
    mlmodel = Model(flavors={"some": {}})
    mlmodel.extra[digests.KEY] = digests.digests_of(directory)
    mlmodel.save(directory / "MLmodel")
    return directory


def test_a_model_as_it_was_saved_is_opened(saved: Path) -> None:
    assert set(open_model(saved).mlmodel.extra[digests.KEY]) == {
        "model.bin",
        "code/mine.py",
        "data/deep/a",
    }


def test_every_file_that_changed_or_is_missing_or_was_added_to_the_code_is_named(
    saved: Path,
) -> None:
    (saved / "model.bin").write_text("another")
    (saved / "data/deep/a").unlink()
    (saved / "code/more.py").write_text("")
    with pytest.raises(DamagedModel) as caught:
        open_model(saved)
    for said in ("model.bin was changed", "data/deep/a is missing", "code/more.py was added"):
        assert said in str(caught.value)


def test_files_that_were_added_elsewhere_are_told_of_once(
    saved: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (saved / "report.html").write_text("")
    (saved / "registered_model_meta").write_text("")
    (saved / "code/__pycache__").mkdir()
    (saved / "code/__pycache__/mine.pyc").write_text("")
    with caplog.at_level(logging.WARNING, "chiplog"):
        open_model(saved)
        open_model(saved)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "report.html" in said
    assert "mine.pyc" not in said
    assert "registered_model_meta" not in said


def test_a_model_without_digests_is_opened_as_ever(saved: Path) -> None:
    body = yamls.read(saved / "MLmodel")
    del body[digests.KEY]
    yamls.write(saved / "MLmodel", body)
    (saved / "model.bin").write_text("another")
    open_model(saved)


def test_the_environment_can_switch_it_off(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (saved / "model.bin").write_text("another")
    monkeypatch.setenv("CHIPLOG_VERIFY_MODEL_FILES", "0")
    open_model(saved)


def test_large_files_have_the_digests_of_their_content(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode() * (3 << 20))
    found = digests.digests_of(tmp_path)
    assert len(set(found.values())) == 3
    digests.verify(tmp_path, found)
    with (tmp_path / "b").open("r+b") as file:
        file.seek(2 << 20)
        file.write(b"!")
    with pytest.raises(DamagedModel, match="b was changed"):
        digests.verify(tmp_path, found)


@pytest.mark.parametrize("wrong", [3, ["a"], {"a": 3}, {3: "a"}])
def test_digests_of_another_kind_are_refused(wrong: object) -> None:
    with pytest.raises(DamagedModel, match="file_digests"):
        Model.from_dict({"flavors": {}, digests.KEY: wrong})
