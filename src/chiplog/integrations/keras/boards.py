"""What Keras's own TensorBoard callback wrote while a model was trained, kept with the run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import keras

from chiplog.integrations.keras.callbacks import flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.stores import ArtifactStore

FOLDER: Final = "tensorboard_logs"


def folders(callbacks: Any) -> list[str]:
    """Where the TensorBoard callbacks among these write."""
    return [
        os.fspath(one.log_dir)
        for one in flat(callbacks)
        if isinstance(one, keras.callbacks.TensorBoard)
    ]


def keep(session: TrainingSession, written: Sequence[str]) -> None:
    """Store the files that were written in these folders since the training began."""
    for folder in written:
        with session.capture("TensorBoard logs") as note:
            files = _since(Path(folder), session.started / 1000)
            note.count, note.detail = len(files), folder
            if not files:
                note.skip(f"nothing was written in {folder!r} on this machine")
                continue
            session.defer(f"files {FOLDER}", _store, session.writer.artifacts, Path(folder), files)


def _since(folder: Path, moment: float) -> list[Path]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file for file in files if file.stat().st_mtime >= moment - 1)  # coarse clocks


def _store(artifacts: ArtifactStore, folder: Path, files: list[Path]) -> None:
    for file in files:
        artifacts.put_file(file, f"{FOLDER}/{file.relative_to(folder).as_posix()}")
