"""Directories that are stored whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.artifacts.linking import staged
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore


class Plain:
    """A store that can neither link nor be reached as a path, on top of one that can."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def put_directory(self, source: Path, path: str | None) -> None:
        self._store.put_directory(source, path)


def fill(directory: Path) -> None:
    (directory / "sub").mkdir()
    (directory / "sub" / "a.txt").write_text("a")
    (directory / "b.txt").write_text("b")


def contents(root: Path) -> dict[str, str]:
    return {
        file.relative_to(root).as_posix(): file.read_text()
        for file in root.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("links", [True, False])
def test_what_is_staged_is_stored_when_the_block_ends(tmp_path: Path, *, links: bool) -> None:
    root = tmp_path / "model" / "artifacts"
    store: Any = open_artifact_store(str(root))
    other: Any = Plain(store)
    with staged(store if links else other) as directory:
        fill(directory)
        inode = (directory / "b.txt").stat().st_ino
        assert not root.exists()
    assert contents(root) == {"b.txt": "b", "sub/a.txt": "a"}
    assert ((root / "b.txt").stat().st_ino == inode) is links
    assert not directory.exists()
    assert [path.name for path in root.parent.iterdir()] == ["artifacts"]


def test_nothing_is_stored_if_the_block_fails(tmp_path: Path) -> None:
    root = tmp_path / "artifacts"
    seen: list[Path] = []

    def fail() -> None:
        with staged(open_artifact_store(str(root))) as directory:
            fill(directory)
            seen.append(directory)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not root.exists()
    assert not seen[0].exists()


def test_what_is_stored_replaces_files_of_the_same_name(tmp_path: Path) -> None:
    store = open_artifact_store(str(tmp_path / "artifacts"))
    store.put_bytes(b"old", "b.txt")
    store.put_bytes(b"kept", "c.txt")
    with staged(store) as directory:
        fill(directory)
    assert contents(tmp_path / "artifacts") == {"b.txt": "b", "sub/a.txt": "a", "c.txt": "kept"}
