"""The local artifact store: the kit, and what only a file system has."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chiplog.core.errors import InvalidValue, NotFound, StoreUnavailable
from chiplog.core.stores import open_artifact_store
from chiplog.store.artifacts.local import LocalArtifactStore, local_path
from chiplog.testing import ArtifactStoreKit

if TYPE_CHECKING:
    from chiplog.core.stores import ArtifactStore


class TestLocalStore(ArtifactStoreKit):
    def open_store(self, tmp_path: Path) -> ArtifactStore:
        return LocalArtifactStore(tmp_path / "a root, nöt made yet" / "run")


class TestLocalStoreThroughALink(ArtifactStoreKit):
    """The root itself may be reached by a symbolic link, as /tmp is on macOS."""

    def open_store(self, tmp_path: Path) -> ArtifactStore:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        return LocalArtifactStore(tmp_path / "link" / "run")


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(tmp_path / "root")


def test_uris_and_plain_paths_name_the_same_store(tmp_path: Path) -> None:
    folder = tmp_path / "with space & ü#1"
    for uri in (str(folder), folder.as_uri(), folder.as_uri().replace("file://", "file:")):
        store = open_artifact_store(uri)
        assert isinstance(store, LocalArtifactStore)
        assert store.root == folder
        assert store.uri == folder.as_uri()


def test_a_relative_path_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert local_path("some/../runs") == tmp_path / "runs"


@pytest.mark.parametrize("uri", ["file://elsewhere/path", "file:relative", "file:///a?b=c", ""])
def test_a_uri_that_is_no_local_directory_is_refused_by_name(uri: str) -> None:
    with pytest.raises(InvalidValue, match="artifact location"):
        local_path(uri)


def test_other_schemes_are_left_to_other_plugins() -> None:
    assert local_path("s3://bucket/key") is None


def test_an_unknown_scheme_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidValue, match=r"(?s)'gopher'.*\bfile\b"):
        open_artifact_store("gopher://x/y")


def test_a_link_inside_the_root_that_leads_out_is_refused(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    store.put_bytes(b"x", "fine")
    (store.root / "out").symlink_to(tmp_path / "outside")
    (store.root / "file").symlink_to(tmp_path / "outside" / "secret")
    for act in (
        lambda: store.open("out/secret"),
        lambda: store.open("file"),
        lambda: store.put_bytes(b"x", "out/new"),
        lambda: store.list("out"),
        lambda: store.delete("out/secret"),
        lambda: store.download("out", tmp_path / "down"),
    ):
        with pytest.raises(InvalidValue, match="symbolic link"):
            act()
    assert [info.path for info in store.list(None)] == ["fine"]
    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == ["secret"]


def test_deleting_a_link_leaves_alone_what_it_points_to(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("kept")
    store.put_bytes(b"x", "d/f")
    (store.root / "d" / "out").symlink_to(tmp_path / "outside")
    assert store.delete("d") == (2, 1)
    assert (tmp_path / "outside" / "kept").read_text() == "kept"


def test_links_in_a_source_directory_are_followed(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    blobs, source = tmp_path / "blobs", tmp_path / "snapshot"
    (blobs / "folder").mkdir(parents=True)
    source.mkdir()
    (blobs / "folder" / "weights").write_text("w")
    (source / "model").symlink_to(blobs / "folder" / "weights")
    (source / "folder").symlink_to(blobs / "folder")
    store.put_directory(source, None)
    stored = store.root / "model"
    assert not stored.is_symlink()
    assert stored.read_text() == "w"
    assert (store.root / "folder" / "weights").read_text() == "w"


def test_a_source_with_a_broken_link_is_refused_before_anything_is_stored(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("a")
    (source / "broken").symlink_to(tmp_path / "gone")
    with pytest.raises(InvalidValue, match="broken link"):
        store.put_directory(source, None)
    assert store.list(None) == []


def test_a_source_that_links_to_its_parent_is_refused(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "up").symlink_to(source)
    with pytest.raises(InvalidValue, match="never end"):
        store.put_directory(source, None)


def test_pipes_and_sockets_are_refused(store: LocalArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    os.mkfifo(source / "pipe")
    with pytest.raises(InvalidValue, match="regular file"):
        store.put_directory(source, None)
    with pytest.raises(InvalidValue, match="regular file"):
        store.put_file(source / "pipe", "x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "s", Path.cwd()))
        with pytest.raises(InvalidValue, match="regular file"):
            store.put_file(tmp_path / "s", "x")


def test_a_name_in_the_source_that_is_no_artifact_path_is_named(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "back\\slash").write_text("x")
    with pytest.raises(InvalidValue, match="backslash"):
        store.put_directory(source, None)


def test_the_project_folder_that_holds_the_store_is_left_out(tmp_path: Path) -> None:
    store = LocalArtifactStore(tmp_path / ".chiplog" / "artifacts" / "run")
    store.put_bytes(b"x", "before")
    (tmp_path / "script.py").write_text("print()")
    store.put_directory(tmp_path, "all")
    assert [info.path for info in store.list("all")] == ["all/script.py"]


def test_empty_folders_are_kept(store: LocalArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "source" / "empty" / "deeper").mkdir(parents=True)
    store.put_directory(tmp_path / "source", "s")
    assert [info.path for info in store.list("s/empty")] == ["s/empty/deeper"]
    store.download("s", tmp_path / "down")
    assert (tmp_path / "down" / "s" / "empty" / "deeper").is_dir()


def test_a_private_file_stays_private_and_a_script_executable(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    for name, mode in {"private": 0o600, "script": 0o755}.items():
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
        store.put_file(tmp_path / name, name)
        assert stat.S_IMODE((store.root / name).stat().st_mode) & 0o177 == mode & 0o177 & ~_umask()


def test_a_file_of_the_kernel_without_a_size_is_stored(store: LocalArtifactStore) -> None:
    store.put_file(Path("/proc/self/status"), "status")
    with store.open("status") as file:
        assert b"Pid:" in file.read()


def test_a_file_in_the_place_of_a_folder_is_named(store: LocalArtifactStore) -> None:
    store.put_bytes(b"x", "a")
    store.put_bytes(b"x", "d/f")
    with pytest.raises(InvalidValue, match="'a/b'"):
        store.put_bytes(b"x", "a/b")
    with pytest.raises(InvalidValue, match="'d'"):
        store.put_bytes(b"x", "d")
    with pytest.raises(NotFound):
        store.open("a/b/c")


def test_a_file_is_not_a_directory_and_the_reverse(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(InvalidValue, match="log_artifact"):
        store.put_directory(tmp_path / "f", "x")
    with pytest.raises(InvalidValue, match="log_artifacts"):
        store.put_file(tmp_path, "x")


def test_nothing_is_left_beside_a_file_that_could_not_be_written(
    store: LocalArtifactStore, tmp_path: Path
) -> None:
    store.put_bytes(b"x", "d/f")
    source = tmp_path / "source"
    source.write_text("x")
    with pytest.raises(InvalidValue):
        store.put_file(source, "d")
    assert [path.name for path in store.root.iterdir()] == ["d"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from pathlib import Path
from chiplog.core.errors import StoreUnavailable
from chiplog.store.artifacts.local import LocalArtifactStore
store = LocalArtifactStore(Path(sys.argv[1]))
store.put_bytes(b"small", "f")
try:
    store.put_bytes(b"x" * 100_000, "f")
except StoreUnavailable as error:
    assert "'f'" in str(error) and sys.argv[1] in str(error), error
    with store.open("f") as file:
        assert file.read() == b"small"
    assert [info.path for info in store.list(None)] == ["f"]
    print([path.name for path in Path(sys.argv[1]).iterdir()])
"""


def test_a_disk_that_takes_no_more_leaves_the_old_file_whole(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path / "root")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['f']"


def test_a_root_that_cannot_be_made_is_an_error_with_its_path() -> None:
    store = LocalArtifactStore(Path("/proc/no-such-folder/run"))
    with pytest.raises(StoreUnavailable, match="/proc/no-such-folder/run"):
        store.put_bytes(b"x", "f")
