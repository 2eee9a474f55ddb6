"""A second name for a file among artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.artifacts.linking import link_file
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_linked_file_is_the_same_file_and_outlives_the_original(tmp_path: Path) -> None:
    store = open_artifact_store(str(tmp_path / "artifacts"))
    source = tmp_path / "big.ckpt"
    source.write_bytes(b"weights")
    for _ in range(2):  # a second time changes nothing
        assert link_file(store, source, "checkpoints/big.ckpt")
    assert (tmp_path / "artifacts" / "checkpoints" / "big.ckpt").samefile(source)
    assert [info.path for info in store.list("checkpoints")] == ["checkpoints/big.ckpt"]
    replaced = tmp_path / "new"
    replaced.write_bytes(b"others")
    replaced.replace(source)
    with store.open("checkpoints/big.ckpt") as file:
        assert file.read() == b"weights"
    assert link_file(store, source, "checkpoints/big.ckpt")
    with store.open("checkpoints/big.ckpt") as file:
        assert file.read() == b"others"
    assert not list((tmp_path / "artifacts").rglob("*part*"))


def test_a_folder_is_not_linked(tmp_path: Path) -> None:
    store = open_artifact_store(str(tmp_path / "artifacts"))
    (tmp_path / "folder").mkdir()
    assert not link_file(store, tmp_path / "folder", "folder")
    assert store.list(None) == []
