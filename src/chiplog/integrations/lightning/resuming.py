"""Which run a checkpoint belongs to: written into it, and read from it without loading it.

The mark is one text in the checkpoint. A file that ``torch.save`` wrote is a zip archive whose
``data.pkl`` holds such texts as they are, so finding it takes no unpickling, and no time that
depends on the weights.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chiplog.hooks.guard import quietly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.runs.writer import RunWriter

KEY: Final = "chiplog"

_MARK: Final = re.compile(rb"chiplog-run:([0-9a-f]{32})@([^\x00-\x1f\x7f]*?);")
_LARGEST: Final = 256 << 20


class Origin(NamedTuple):
    """The run of a checkpoint, and the store it was recorded in."""

    run_id: str
    store_uri: str


def mark(checkpoint: dict[str, Any], writer: RunWriter) -> None:
    """Write into a checkpoint which run it belongs to."""
    uri = writer.store_uri.replace(";", "%3B")
    checkpoint[KEY] = f"chiplog-run:{writer.run_id}@{uri};"


def read_mark(checkpoint: Mapping[str, Any]) -> Origin | None:
    """The run that a loaded checkpoint belongs to, if it says so."""
    text = checkpoint.get(KEY)
    return _parsed(text.encode()) if isinstance(text, str) else None


def origin_of(path: object) -> Origin | None:
    """The run that a checkpoint file belongs to; None if it does not say, or is no local file."""
    try:
        file = Path(str(path))
        if not file.is_file() or not zipfile.is_zipfile(file):
            return None
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if not names or archive.getinfo(names[0]).file_size > _LARGEST:
                return None
            return _parsed(archive.read(names[0]))
    except (OSError, zipfile.BadZipFile, ValueError):
        return None


def path_of(trainer: Any, asked: object) -> object:
    """The file that ``fit(ckpt_path=...)`` will start from, as far as can be known before."""
    if asked == "best":
        return getattr(trainer.checkpoint_callback, "best_model_path", None)
    if asked == "last":
        return quietly("Looking for the last checkpoint", _last, None, trainer)
    if asked == "hpc":
        return trainer._checkpoint_connector._hpc_resume_path  # noqa: SLF001 - Lightning's own source
    return asked


def _last(trainer: Any) -> object:
    found: set[str] = set()
    for callback in trainer.checkpoint_callbacks:
        if hasattr(callback, "_find_last_checkpoints"):
            found |= callback._find_last_checkpoints(trainer)  # noqa: SLF001 - as Lightning will
    return max(found, key=lambda path: Path(path).stat().st_mtime, default=None)


def _parsed(data: bytes) -> Origin | None:
    match = _MARK.search(data)
    if match is None:
        return None
    return Origin(match[1].decode(), match[2].decode("utf-8", "replace").replace("%3B", ";"))
