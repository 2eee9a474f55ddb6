"""What lies in a model's directory, which may be a stranger's: files inside it, and no more."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Final

from chiplog.core.config import env_float
from chiplog.core.errors import DamagedModel, NotFound

_MOST_FILES: Final = 100_000


def files_in(directory: Path) -> set[str]:
    """Every file of a model, by its path below the directory; nothing is opened.

    Raises DamagedModel for what is no file, such as a pipe or a device, for links that lead out of
    the directory, and if there are more files than ``CHIPLOG_MODEL_MAX_FILES`` (100000) allows.
    """
    most = int(env_float("MODEL_MAX_FILES", _MOST_FILES))
    root = directory.resolve()
    found: set[str] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                name = f"{folder}{entry.name}"
                mode = _mode(entry, root)
                if stat.S_ISDIR(mode) and not entry.is_symlink():
                    folders.append(f"{name}/")
                elif stat.S_ISREG(mode):
                    found.add(name)
                elif not stat.S_ISDIR(mode):
                    raise DamagedModel(
                        f"The model in {str(directory)!r} was not loaded: {name!r} is no file but "
                        f"{_kind(mode)}."
                    )
                if len(found) + len(folders) > most:
                    raise DamagedModel(
                        f"The model in {str(directory)!r} was not loaded: it has more than {most} "
                        "files. Set CHIPLOG_MODEL_MAX_FILES if that is right."
                    )
    return found


def inside(directory: Path, name: object, what: str = "a file") -> Path:
    """A path in a model's directory by the name its settings give, links followed.

    Raises DamagedModel if it leads out of the directory. What is there is not looked at.
    """
    try:
        path = (directory / str(name)).resolve()
        path.is_file()  # which raises for names that are too long
        if path.is_relative_to(directory.resolve()):
            return path
    except (OSError, RuntimeError, ValueError) as error:  # circles of links, null bytes, long names
        raise DamagedModel(
            f"The model in {str(directory)!r} names {what} that can be none, {name!r:.100}: {error}"
        ) from error
    raise DamagedModel(f"The model in {str(directory)!r} names {what} outside it: {name!r:.200}.")


def file_inside(directory: Path, name: object) -> Path:
    """A file of a model by the name its settings give; raises NotFound if it is not there."""
    path = inside(directory, name)
    if not path.is_file():
        raise NotFound(f"The model in {str(directory)!r} lacks its file {name!r:.200}.")
    return path


def check_modules(folder: Path) -> None:
    """Raise DamagedModel if a folder of code has a module by the name of one of Python's own."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = path.name.partition(".")[0]
        is_module = (path / "__init__.py").is_file() if path.is_dir() else "." in path.name
        if is_module and name in sys.stdlib_module_names:
            raise DamagedModel(
                f"The model in {str(folder.parent)!r} was not loaded: its code has a module "
                f"{path.name!r}, which would stand for Python's own {name!r}. Save it under "
                "another name."
            )


def _mode(entry: os.DirEntry[str], root: Path) -> int:
    """What an entry is, through links, which must stay inside ``root``."""
    try:
        if entry.is_symlink() and not Path(entry.path).resolve(strict=True).is_relative_to(root):
            raise DamagedModel(
                f"The model in {str(root)!r} was not loaded: {entry.path[len(str(root)) + 1 :]!r} "
                f"is a link that leads out of it, to {str(Path(entry.path).readlink())!r}."
            )
        return entry.stat().st_mode
    except (OSError, RuntimeError) as error:
        raise DamagedModel(
            f"The model in {str(root)!r} was not loaded: {entry.path[len(str(root)) + 1 :]!r} "
            f"cannot be looked at: {error}."
        ) from error


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
