"""What a directory holds, looked through before anything of it is copied."""

from __future__ import annotations

import os
from pathlib import Path

from chiplog.core.artifacts.paths import check_path
from chiplog.core.errors import InvalidValue
from chiplog.core.location import FOLDER


def plan_directory(source: Path, store_root: str) -> tuple[list[str], list[tuple[str, Path]]]:
    """The folders below ``source``, and its files with where they lie; by name.

    Symbolic links are followed. The project folder that holds the store itself is left out.
    Raises InvalidValue for what cannot be stored: a broken or circular link, a pipe, a bad name.
    """
    plan = _Plan(os.path.realpath(store_root))
    plan.walk(str(source), "", (os.path.realpath(source),))
    return plan.directories, plan.files


class _Plan:
    def __init__(self, root: str) -> None:
        self.directories: list[str] = []
        self.files: list[tuple[str, Path]] = []
        self._root = root

    def walk(self, directory: str, prefix: str, above: tuple[str, ...]) -> None:
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            raise InvalidValue(f"{directory!r} cannot be read to be stored: {error}.") from error
        for entry in entries:
            name = check_path(prefix + entry.name)
            if entry.is_dir():
                self._directory(entry, name, above)
            elif entry.is_file():
                self.files.append((name, Path(entry.path)))
            else:
                kind = "a broken link" if entry.is_symlink() else "no regular file"
                raise InvalidValue(
                    f"{entry.path!r} is {kind} and cannot be stored; nothing was. "
                    "Remove it, or log the files one by one."
                )

    def _directory(self, entry: os.DirEntry[str], name: str, above: tuple[str, ...]) -> None:
        real = os.path.realpath(entry.path)
        if real in above:
            raise InvalidValue(
                f"{entry.path!r} is a link to a directory that holds it ({real!r}), "
                "so copying would never end; nothing was stored."
            )
        if self._holds_store(entry.name, real):
            return
        self.directories.append(name)
        self.walk(entry.path, name + "/", (*above, real))

    def _holds_store(self, name: str, real: str) -> bool:
        if real == self._root:
            return True
        return name == FOLDER and self._root.startswith(real + os.sep)
