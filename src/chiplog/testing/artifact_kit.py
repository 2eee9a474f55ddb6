"""What every artifact store must do. Subclass the kit, say how to open a store, and run pytest.

class TestMyStore(ArtifactStoreKit):
    def open_store(self, tmp_path: Path) -> ArtifactStore:
        return MyStore(...)
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from chiplog.core.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore

OUTSIDE = [
    "",
    "/absolute.txt",
    "../outside.txt",
    "a/../../outside.txt",
    "a/..",
    "a//b.txt",
    "./a.txt",
    "a/",
    "a\\b.txt",
    "..\\outside.txt",
    "C:/windows.txt",
    "nul\0.txt",
    "%2e%2e/outside.txt",
    "%252e%252e/outside.txt",
    "a%2f..%2f..%2foutside.txt",
    "%2fabsolute.txt",
    "x" * 300,
    "\ud800.txt",
]


class ArtifactStoreKit:
    """Tests that hold a store to the contract of :class:`chiplog.core.stores.ArtifactStore`."""

    def open_store(self, tmp_path: Path) -> ArtifactStore:
        """Open an empty store, with anything it needs below ``tmp_path``."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        """The store under test."""
        return self.open_store(tmp_path)

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """A directory with files to store."""
        source = tmp_path / "source files"
        (source / "inner").mkdir(parents=True)
        (source / "one.txt").write_bytes(b"one")
        (source / "inner" / "zwei-ü.bin").write_bytes(bytes(range(256)))
        (source / "empty").write_bytes(b"")
        return source

    def test_bytes_come_back_as_they_went_in(self, store: ArtifactStore) -> None:
        """Any bytes, none included."""
        for name, data in {"a.bin": bytes(range(256)), "b/c.bin": b"", "ü ~+#?.txt": b"x"}.items():
            store.put_bytes(data, name)
            with store.open(name) as file:
                assert file.read() == data

    def test_a_file_comes_back_as_it_went_in(self, store: ArtifactStore, source: Path) -> None:
        """Also an empty one, and one in a folder."""
        store.put_file(source / "inner" / "zwei-ü.bin", "x/y.bin")
        store.put_file(source / "empty", "x/empty")
        assert _read(store, "x/y.bin") == bytes(range(256))
        assert _read(store, "x/empty") == b""

    def test_a_file_larger_than_a_copying_buffer_comes_back(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        """Three mebibytes and a bit."""
        data = bytes(range(251)) * 12600
        (tmp_path / "large").write_bytes(data)
        store.put_file(tmp_path / "large", "large")
        assert _read(store, "large") == data

    def test_the_last_writer_wins(self, store: ArtifactStore, source: Path) -> None:
        """A second file of the same path replaces the first."""
        store.put_bytes(b"a much longer first text", "f.txt")
        store.put_file(source / "one.txt", "f.txt")
        assert _read(store, "f.txt") == b"one"
        store.put_bytes(b"2", "f.txt")
        assert _read(store, "f.txt") == b"2"

    def test_a_directory_is_stored_with_its_folders(
        self, store: ArtifactStore, source: Path
    ) -> None:
        """At the root, and below a path."""
        store.put_directory(source, None)
        store.put_directory(source, "deep/er")
        assert _read(store, "inner/zwei-ü.bin") == bytes(range(256))
        assert _read(store, "deep/er/one.txt") == b"one"

    def test_a_listing_has_one_level_by_name_with_sizes(
        self, store: ArtifactStore, source: Path
    ) -> None:
        """Paths are relative to the root; folders have no size."""
        store.put_directory(source, "d")
        assert [(i.path, i.is_dir, i.file_size) for i in store.list("d")] == [
            ("d/empty", False, 0),
            ("d/inner", True, None),
            ("d/one.txt", False, 3),
        ]
        assert [i.path for i in store.list(None)] == ["d"]

    def test_listing_what_is_no_directory_is_empty(self, store: ArtifactStore) -> None:
        """A file, something missing, and a store without anything."""
        assert store.list(None) == []
        store.put_bytes(b"x", "f")
        assert store.list("f") == []
        assert store.list("nothing") == []
        assert store.list("f/below") == []

    def test_opening_what_is_not_there_raises_not_found(self, store: ArtifactStore) -> None:
        """The error names the path."""
        store.put_bytes(b"x", "d/f")
        for path in ("gone.txt", "d/gone.txt", "d"):
            with pytest.raises(NotFound, match=path):
                store.open(path)

    def test_downloads_take_their_own_names(
        self, store: ArtifactStore, source: Path, tmp_path: Path
    ) -> None:
        """Files and folders go below the destination; the root's contents go right into it."""
        store.put_directory(source, "d")
        place = store.download("d/inner/zwei-ü.bin", tmp_path / "a" / "b")
        assert place == tmp_path / "a" / "b" / "zwei-ü.bin"
        assert place.read_bytes() == bytes(range(256))
        place = store.download("d", tmp_path / "c")
        assert place == tmp_path / "c" / "d"
        assert (place / "one.txt").read_bytes() == b"one"
        place = store.download("", tmp_path / "e")
        assert (place / "d" / "inner" / "zwei-ü.bin").exists()

    def test_downloading_what_is_not_there_raises_not_found(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        """The error names the path."""
        with pytest.raises(NotFound, match="gone"):
            store.download("gone", tmp_path / "a")

    def test_deleting_counts_files_and_bytes(self, store: ArtifactStore, source: Path) -> None:
        """Of a file, a folder, and everything."""
        store.put_directory(source, "d")
        store.put_bytes(b"12345", "f")
        assert store.delete("f") == (1, 5)
        assert store.delete("d/inner") == (1, 256)
        assert [i.path for i in store.list("d")] == ["d/empty", "d/one.txt"]
        assert store.delete(None) == (2, 3)
        assert store.list(None) == []

    def test_deleting_what_is_not_there_frees_nothing(self, store: ArtifactStore) -> None:
        """Twice is as good as once."""
        assert store.delete("gone") == (0, 0)
        assert store.delete("gone/deeper") == (0, 0)

    def test_a_store_can_be_filled_again_after_everything_was_deleted(
        self, store: ArtifactStore
    ) -> None:
        """The root comes back by itself."""
        store.put_bytes(b"x", "f")
        store.delete(None)
        store.put_bytes(b"y", "d/f")
        assert _read(store, "d/f") == b"y"

    @pytest.mark.parametrize("path", OUTSIDE)
    def test_a_path_that_leaves_the_root_is_refused_by_name(
        self, store: ArtifactStore, source: Path, tmp_path: Path, path: str
    ) -> None:
        """Whatever is asked with it, and nothing is written or deleted."""
        store.put_bytes(b"x", "a/b.txt")
        files: list[Callable[[], object]] = [
            lambda: store.put_bytes(b"x", path),
            lambda: store.put_file(source / "one.txt", path),
            lambda: store.open(path),
        ]
        directories: list[Callable[[], object]] = [
            lambda: store.put_directory(source, path),
            lambda: store.list(path),
            lambda: store.download(path, tmp_path / "down"),
            lambda: store.delete(path),
        ]
        for act in files:
            with pytest.raises(InvalidValue) as raised:
                act()
            assert repr(path) in str(raised.value)
        for act in directories if path not in {"", "a/", "./a.txt"} else []:
            with pytest.raises(InvalidValue):
                act()
        assert [i.path for i in store.list(None)] == ["a"]
        assert [i.path for i in store.list("a")] == ["a/b.txt"]

    def test_a_percent_sign_that_leads_nowhere_is_a_character(self, store: ArtifactStore) -> None:
        """It is kept as it is."""
        store.put_bytes(b"x", "100%.txt")
        store.put_bytes(b"y", "a%20b/c%2Fd")
        assert [i.path for i in store.list(None)] == ["100%.txt", "a%20b"]
        assert _read(store, "a%20b/c%2Fd") == b"y"

    def test_a_reader_never_sees_half_a_file(self, store: ArtifactStore) -> None:
        """One thread overwrites a file while another reads it."""
        versions = [bytes([letter]) * 200_000 for letter in b"ab"]
        store.put_bytes(versions[0], "f")
        done = threading.Event()

        def overwrite() -> None:
            for turn in range(100):
                store.put_bytes(versions[turn % 2], "f")
            done.set()

        writer = threading.Thread(target=overwrite)
        writer.start()
        seen = 0
        while not done.is_set():
            assert _read(store, "f") in versions
            assert [i.path for i in store.list(None)] == ["f"]
            seen += 1
        writer.join()
        assert seen > 0

    def test_threads_can_store_into_one_folder_at_once(self, store: ArtifactStore) -> None:
        """Nothing is lost, also when the folder has yet to be made."""

        def put(number: int) -> None:
            for turn in range(5):
                store.put_bytes(b"x", f"deep/folder/{number}-{turn}")

        threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.list("deep/folder")) == 40

    def test_a_missing_source_is_named(self, store: ArtifactStore, tmp_path: Path) -> None:
        """As a NotFound that is a FileNotFoundError too."""
        for put in (store.put_file, store.put_directory):
            with pytest.raises(NotFound, match="no-such-thing") as raised:
                put(tmp_path / "no-such-thing", "x")
            assert isinstance(raised.value, FileNotFoundError)

    def test_the_uri_is_text_with_a_scheme(self, store: ArtifactStore) -> None:
        """So that it can be kept and opened again."""
        assert ":" in store.uri


def _read(store: ArtifactStore, path: str) -> bytes:
    with store.open(path) as file:
        return file.read()
