"""Artifacts as files below a local directory.

Every file appears whole or not at all: it is written beside its place under a temporary name and
renamed. Files are not synced one by one; a power failure may cost those of the last seconds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import unquote, urlsplit

from chiplog.core.artifacts.paths import check_directory, check_path, join
from chiplog.core.entities import FileInfo
from chiplog.core.errors import (
    ChiplogError,
    InvalidValue,
    MissingFile,
    NotFound,
    StoreUnavailable,
)
from chiplog.store.artifacts.copying import PARTIAL, copy_file, link_whole, write_whole
from chiplog.store.artifacts.planning import plan_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRUCTURAL: Final = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY}


def local_path(uri: str) -> Path | None:
    """The directory that ``uri`` names, absolute; None if the URI is of another kind."""
    parts = urlsplit(uri)
    if len(parts.scheme) <= 1 and "://" not in uri:  # one letter is a Windows drive
        if not uri or "\0" in uri:
            raise InvalidValue(f"The artifact location {uri!r} is no path.")
        return Path(os.path.abspath(Path(uri).expanduser()))  # noqa: PTH100 - keeps symlinks, drops '..'
    if parts.scheme != "file":
        return None
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment:
        raise InvalidValue(
            f"The artifact location {uri!r} names another host or has a query. "
            "Write file:///absolute/path with special characters percent-encoded."
        )
    path = unquote(parts.path)
    if not path.startswith("/") or "\0" in path:
        raise InvalidValue(f"The artifact location {uri!r} is not absolute; write file:///path.")
    if os.name == "nt":
        path = path.lstrip("/")
    return Path(os.path.abspath(path))  # noqa: PTH100 - as above


class LocalArtifactStore:
    """Artifacts below the directory ``root``, which is made when the first file arrives."""

    __slots__ = ("_root",)

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    @property
    def uri(self) -> str:
        """The root's ``file://`` URI."""
        return self.root.as_uri()

    @property
    def root(self) -> Path:
        """The root as a path of this machine."""
        return Path(self._root)

    def put_file(self, source: Path, path: str) -> None:
        """Copy a local file to ``path``, following it if it is a symbolic link."""
        found = _stat_source(source)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidValue(
                f"{str(source)!r} is no regular file and cannot be stored as {path!r}; "
                "store a directory by log_artifacts()."
            )
        with self._explained("store", path):
            self._copy(source, found, self._place(path))

    def link_file(self, source: Path, path: str) -> bool:
        """Hard-link a local file to ``path``; False where the file systems do not allow it."""
        if not stat.S_ISREG(_stat_source(source).st_mode):
            return False
        with self._explained("store", path):
            return link_whole(source, self._place(path))

    def put_bytes(self, data: bytes, path: str) -> None:
        """Write ``data`` to ``path``."""
        with self._explained("store", path):
            write_whole(data, self._place(path))

    def put_directory(self, source: Path, path: str | None) -> None:
        """Copy the contents of a local directory, empty folders included.

        Symbolic links are followed. Nothing is copied if the directory holds what cannot be
        stored: a broken or circular link, a pipe, a name that is no artifact path.
        """
        if not stat.S_ISDIR(_stat_source(source).st_mode):
            raise InvalidValue(f"{str(source)!r} is a file; store it by log_artifact().")
        base = check_directory(path)
        directories, files = plan_directory(source, self._root)
        with self._explained("store", base or "."):
            self._directory(base).mkdir(parents=True, exist_ok=True)
        for name in directories:
            target = check_path(join(base, name))
            with self._explained("store", target):
                self._place(target).mkdir(parents=True, exist_ok=True)
        for name, file in files:
            target = check_path(join(base, name))
            with self._explained("store", target):
                self._copy(file, _stat_source(file), self._place(target))

    def list(self, path: str | None) -> list[FileInfo]:
        """What lies directly in ``path``, by name; links that lead out of it are left out."""
        base = check_directory(path)
        with self._explained("list", base or "."):
            place = self._directory(base)
            try:
                entries = sorted(os.scandir(place), key=lambda entry: entry.name)
            except (FileNotFoundError, NotADirectoryError):
                return []
            return [
                info
                for entry in entries
                if not entry.name.endswith(PARTIAL)
                and (info := self._info(entry, join(base, entry.name))) is not None
            ]

    def open(self, path: str) -> BinaryIO:
        """Open a file to read; raises NotFound, also for a directory."""
        with self._explained("open", path):
            place = self._place(path)
            try:
                if place.is_dir():
                    raise NotFound(f"{path!r} in {self._root!r} is a directory, not a file.")
                return place.open("rb")
            except (FileNotFoundError, NotADirectoryError):
                raise self._missing(path) from None

    def download(self, path: str, destination: Path) -> Path:
        """Copy a file or directory into the directory ``destination``, under its own name.

        The root itself ('') is copied into ``destination`` as it is.
        """
        base = check_directory(path)
        with self._explained("download", base or "."):
            place = self._directory(base)
            if not place.exists():
                raise self._missing(base or ".")
        target = destination / base.rpartition("/")[2] if base else destination
        with _explained_destination(destination):
            destination.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                self._download_directory(base, target)
            else:
                copy_file(place, target, mode=0o666)
        return target

    def delete(self, path: str | None) -> tuple[int, int]:
        """Delete a file or directory; links are removed, never followed."""
        base = check_directory(path)
        with self._explained("delete", base or "."):
            place = self._directory(base, follow_last=False)
            return _delete(place)

    def _download_directory(self, base: str, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        for info in self.list(base):
            inner = target / info.path.rpartition("/")[2]
            if info.is_dir:
                self._download_directory(info.path, inner)
            else:
                with contextlib.suppress(FileNotFoundError):  # deleted while we copy
                    copy_file(self._place(info.path), inner, mode=0o666)

    def _copy(self, source: Path, found: os.stat_result, place: Path) -> None:
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory", str(place))
        # A private file stays private, and a script stays executable.
        copy_file(source, place, mode=stat.S_IMODE(found.st_mode) & 0o777 | 0o600)

    def _place(self, path: str, *, follow_last: bool = True) -> Path:
        """Where ``path`` lies; raises InvalidValue if a symbolic link leads out of the root.

        ``follow_last=False`` looks at the last name itself, as a deletion does.
        """
        place = self.root.joinpath(*check_path(path).split("/"))
        root = os.path.realpath(self._root)
        real = os.path.realpath(place if follow_last else place.parent)
        if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
            raise InvalidValue(
                f"The artifact path {path!r} leaves its root {self._root!r} "
                f"by a symbolic link to {real!r}."
            )
        return place

    def _directory(self, base: str, *, follow_last: bool = True) -> Path:
        """The same for what may be the root, ''."""
        return self._place(base, follow_last=follow_last) if base else self.root

    def _info(self, entry: os.DirEntry[str], path: str) -> FileInfo | None:
        try:
            if entry.is_symlink():
                self._place(path)
            if entry.is_dir():
                return FileInfo(path, is_dir=True)
            return FileInfo(path, is_dir=False, file_size=entry.stat().st_size)
        except (FileNotFoundError, InvalidValue):  # a broken link, or one that leads out
            return None

    def _missing(self, path: str) -> NotFound:
        return NotFound(
            f"There is no artifact {path!r} in {self._root!r}. "
            "'chiplog artifacts list' shows those that exist."
        )

    @contextlib.contextmanager
    def _explained(self, action: str, path: str) -> Iterator[None]:
        """Turn what the file system says into an error that names path and place."""
        try:
            yield
        except ChiplogError:
            raise
        except OSError as error:
            place = f"{path!r} in {self._root!r}"
            if error.errno in _STRUCTURAL:
                raise InvalidValue(
                    f"Cannot {action} the artifact {place}: a file stands where a directory is "
                    f"needed, or the reverse ({error})."
                ) from error
            if error.errno == errno.ENAMETOOLONG:
                raise InvalidValue(f"Cannot {action} the artifact {place}: {error}.") from error
            raise StoreUnavailable(
                f"Cannot {action} the artifact {place}: {error}. "
                "Check the space, the quota and the permissions there."
            ) from error


def _stat_source(source: Path) -> os.stat_result:
    try:
        return source.stat()
    except FileNotFoundError:
        raise MissingFile(f"There is no file or directory {str(source)!r} to store.") from None
    except (OSError, ValueError) as error:
        raise InvalidValue(f"{str(source)!r} cannot be read to be stored: {error}.") from error


@contextlib.contextmanager
def _explained_destination(destination: Path) -> Iterator[None]:
    try:
        yield
    except ChiplogError:
        raise
    except OSError as error:
        raise StoreUnavailable(f"Cannot download into {str(destination)!r}: {error}.") from error


def _delete(place: Path) -> tuple[int, int]:
    """Delete ``place``; the files and bytes that went."""
    try:
        found = place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return 0, 0
    if not stat.S_ISDIR(found.st_mode):
        with contextlib.suppress(FileNotFoundError):
            place.unlink()
        return 1, found.st_size if stat.S_ISREG(found.st_mode) else 0
    files = size = 0
    for inner in list(place.iterdir()):
        inner_files, inner_size = _delete(inner)
        files, size = files + inner_files, size + inner_size
    try:
        place.rmdir()
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        shutil.rmtree(place, ignore_errors=True)  # a writer was faster; once more, uncounted
    return files, size
