"""Digests of a model's files: written when it is saved, verified before anything of it is read.

They tell damage and mix-ups, and which file it is. They are no signature: whoever can change a file
can change its digest in the MLmodel file, too.
"""

from __future__ import annotations

import hashlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.config import env_bool
from chiplog.core.errors import DamagedModel
from chiplog.core.models.directory import files_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_log = logging.getLogger("chiplog")
_told: set[tuple[str, ...]] = set()

#: The key of the MLmodel file under which they stand: the SHA-256, in hex, of each file by its
#: path. The MLmodel file itself has none.
KEY: Final = "file_digests"

_MLMODEL: Final = "MLmodel"
_CODE: Final = "code"
_LARGE: Final = 1 << 20
# What MLflow's clients add to a model when they fetch it from a registry.
_TOLERATED: Final = frozenset({_MLMODEL, "registered_model_meta"})


def digests_of(directory: Path) -> dict[str, str]:
    """The digest of every file of a model that is being saved."""
    return _digests(directory, (name for name in files_in(directory) if name != _MLMODEL))


def renew(body: dict[str, Any], files: Mapping[str, bytes]) -> bool:
    """Put the digests of files that are written anew into an MLmodel file's keys, if it has any."""
    known = checked(body.get(KEY))
    if known is None:
        return False
    known.update({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    return True


def verify(directory: Path, wanted: Mapping[str, str] | None) -> None:
    """Check a model's files against the digests its MLmodel file has; ``None`` is of MLflow's own.

    Whatever the digests, no file may lie outside the directory or be none. Files that were added
    are told of in a warning, once; among the code that is imported they are refused.

    Raises:
        DamagedModel: files changed or are missing; the text names them.
    """
    there = files_in(directory)
    if not wanted or not env_bool("VERIFY_MODEL_FILES", default=True):
        return
    found = _digests(directory, (name for name in wanted if name in there))
    wrong = [f"{name} is missing" for name in sorted(wanted) if name not in found]
    wrong += [f"{name} was changed" for name in sorted(found) if found[name] != wanted[name]]
    added = sorted(name for name in there if name not in wanted and not _is_tolerated(name))
    wrong += [f"{name} was added" for name in added if name.startswith(f"{_CODE}/")]
    if wrong:
        raise DamagedModel(
            f"The model in {str(directory)!r} is not as it was saved, and was not loaded:\n"
            f"{_listed(wrong)}\nGet it again from where it was made. If you changed it yourself, "
            f"correct {KEY!r} in its MLmodel file, or remove it there."
        )
    told = (str(directory), *added)
    if added and told not in _told:
        _told.add(told)
        _log.warning(
            "The model in %r has files that it was not saved with:\n%s",
            str(directory),
            _listed(added),
        )


def _listed(lines: list[str]) -> str:
    more = [f"and {len(lines) - 10} more"] if len(lines) > 10 else []
    return "\n".join(f"    {line}" for line in lines[:10] + more)


def _is_tolerated(name: str) -> bool:
    return name in _TOLERATED or "__pycache__" in name.split("/")


def _digests(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """The digests of files, each read once; large ones beside each other."""
    small: list[str] = []
    large: list[str] = []
    for name in names:
        (small if (directory / name).stat().st_size < _LARGE else large).append(name)
    found = {name: _digest(directory / name) for name in small}
    if len(large) > 1:
        # hashlib lets other threads run meanwhile.
        with ThreadPoolExecutor(min(len(large), os.cpu_count() or 1, 8)) as pool:
            digests: Iterator[str] = pool.map(_digest, [directory / name for name in large])
            return found | dict(zip(large, digests, strict=True))
    return found | {name: _digest(directory / name) for name in large}


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checked(found: Any) -> dict[str, str] | None:
    """What an MLmodel file has under the key; raises DamagedModel if it is something else."""
    if found is None:
        return None
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(digest, str) for name, digest in found.items()
    ):
        raise DamagedModel(f"The MLmodel file has {KEY!r} = {found!r:.100}, where digests belong.")
    return found
