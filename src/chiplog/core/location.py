"""Where things lie: the tracking URI, the project's ``.chiplog`` folder, and why.

The default is the nearest ``.chiplog/`` at or above the working directory, else ``./.chiplog/``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from chiplog.core.config import env, env_with_source
from chiplog.core.errors import InvalidValue

FOLDER = ".chiplog"
DATABASE = "chiplog.db"


@dataclass(frozen=True)
class Location:
    """A resolved place and the reason for it."""

    value: str
    reason: str


_set_uri: str | None = None


def set_tracking_uri(uri: str | Path | None) -> None:
    """Choose where runs are kept, for this process and those it starts; None goes back.

    A path becomes an absolute SQLite or file URI by what it names; a string is kept as it is.
    """
    global _set_uri  # noqa: PLW0603 - process-wide by MLflow's contract
    if uri is None:
        _set_uri = None
        os.environ.pop("CHIPLOG_TRACKING_URI", None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        return
    text = uri.absolute().as_uri() if isinstance(uri, Path) else str(uri)
    _set_uri = text
    os.environ["MLFLOW_TRACKING_URI"] = text
    os.environ["CHIPLOG_TRACKING_URI"] = text


def is_tracking_uri_set() -> bool:
    """Whether a tracking URI was set by call or environment."""
    return _set_uri is not None or env("TRACKING_URI") is not None


def get_tracking_uri() -> str:
    """The tracking URI in force."""
    return resolve_tracking_uri().value


def resolve_tracking_uri() -> Location:
    """The tracking URI in force, and why it is this one."""
    if _set_uri is not None:
        return Location(normalise(_set_uri), "set by set_tracking_uri()")
    value, variable = env_with_source("TRACKING_URI")
    if value is not None:
        return Location(normalise(value), f"environment variable {variable}")
    folder = project_folder()
    return Location(sqlite_uri(Path(folder.value) / DATABASE), folder.reason)


def project_folder() -> Location:
    """The project's ``.chiplog`` folder, which may not exist yet."""
    here = Path.cwd()
    for parent in (here, *here.parents):
        if (parent / FOLDER).is_dir():
            where = "the working directory" if parent == here else "a parent directory"
            return Location(str(parent / FOLDER), f"nearest {FOLDER}/ (in {where})")
    return Location(str(here / FOLDER), f"no {FOLDER}/ at or above the working directory yet")


def folder_of(database: Path) -> Path:
    """Where the artifacts and journals of a SQLite database lie.

    A project's are beside it in ``.chiplog``. Any other database gets a folder of its own, named
    as SQLite names its files: ``runs.db-files`` beside ``runs.db``.
    """
    if database.parent.name == FOLDER and database.name == DATABASE:
        return database.parent
    return database.with_name(f"{database.name}-files")


def journal_directory() -> Path:
    """Where journals lie for a store that has no place of its own for them; absolute."""
    given = env("JOURNAL_DIR")
    if given is None:
        return Path(project_folder().value) / "journals"
    return Path(given).expanduser().absolute()  # a program may change its working directory


def sqlite_uri(path: Path) -> str:
    """The URI of the SQLite database at ``path``."""
    return f"sqlite:///{path.absolute()}"


def normalise(uri: str) -> str:
    """The URI with relative database paths and plain paths made absolute.

    A plain path is a project directory: its ``.chiplog`` database is meant. Raises InvalidValue for
    a plain path that is no directory.
    """
    if uri.startswith("sqlite:///"):
        path, question, query = uri.removeprefix("sqlite:///").partition("?")
        return sqlite_uri(Path(path).expanduser()) + question + query
    if "://" in uri or uri.startswith("databricks"):
        if uri.startswith("file://"):
            return normalise(unquote(uri.removeprefix("file://")))
        return uri
    path_uri = Path(uri.removeprefix("file:")).expanduser().absolute()
    if path_uri.suffix in {".db", ".sqlite", ".sqlite3"}:
        return sqlite_uri(path_uri)
    if path_uri.exists() and not path_uri.is_dir():
        raise InvalidValue(
            f"The tracking URI {uri!r} names a file that is no database. "
            "Give a directory, a .db file, or a URI such as sqlite:///path/runs.db."
        )
    if path_uri.name == FOLDER:
        return sqlite_uri(path_uri / DATABASE)
    return sqlite_uri(path_uri / FOLDER / DATABASE)
