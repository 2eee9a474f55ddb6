"""Follows what ModelCheckpoint saves: each file gets a second name among the run's artifacts.

A hard link costs no space and no time. Where there can be none, as the artifacts lie on another
file system or in an object store, the file is copied on the background thread.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from chiplog.core.artifacts.linking import link_file
from chiplog.core.autolog.scalars import number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chiplog.core.runs.writer import RunWriter
    from chiplog.integrations.lightning.config import LightningConfig
    from chiplog.integrations.lightning.content import Content

FOLDER: Final = "checkpoints"
LATEST_TAG: Final = "mlflow.latest_checkpoint_artifact"
INDEX: Final = f"{FOLDER}/checkpoints.json"


@dataclass
class _File:
    """A checkpoint that is kept with the run."""

    path: str
    stamp: tuple[int, int]
    artifact: str
    epoch: int
    step: int


class Pen(Protocol):
    """What checkpoints are kept with: a session, or a logger without one."""

    writer: RunWriter

    def log_dict(self, dictionary: Mapping[str, Any], artifact_file: str) -> None:
        """Store a JSON file of the run."""

    def defer(self, what: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Do something later."""

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags of the run."""

    def captured(self, what: str, count: int = 1, detail: str | None = None) -> None:
        """Say that something was kept."""

    def skipped(self, what: str, reason: str) -> None:
        """Say that something was left out."""


class Follower:
    """Keeps a run's checkpoints as its Trainer's ModelCheckpoint keeps them.

    Attributes:
        is_expecting: a checkpoint is being written, or was since the last look.
    """

    def __init__(self, session: Pen, options: LightningConfig, content: Content) -> None:
        self._session = session
        self._options = options
        self._content = content
        self._files: dict[str, _File] = {}
        self._since = time.time_ns() - 1_000_000_000
        self._best: float | None = None
        self.is_expecting = False
        self._epoch = self._step = -1
        self._linked = 0
        self._copied = 0
        self._removed = 0
        self._unmonitored = False

    # When to look

    def expect(self, epoch: int, step: int) -> None:
        """A checkpoint is being written; it can be looked at once that is done."""
        self.is_expecting = True
        self._epoch, self._step = epoch, step

    def catch_up(self, trainer: Any, *, is_last: bool = False) -> None:
        """Look at the trainer's checkpoints if one was written since the last time."""
        if not self.is_expecting:
            return
        self.is_expecting = False
        if not self._options.checkpoint:
            return
        fresh = []
        for callback in trainer.checkpoint_callbacks:
            fresh += self._look(callback)
        if not fresh and not is_last:
            self.is_expecting = self._may_come(trainer)
            return
        if fresh and self._content.latest:
            best = {getattr(one, "best_model_path", "") for one in trainer.checkpoint_callbacks}
            newest = max(fresh, key=lambda file: (file.path in best, file.stamp))
            self._keep_latest(newest, trainer)

    def follow(self, callback: Any) -> None:
        """Look at one ModelCheckpoint, which has just saved."""
        self._look(callback)

    def _may_come(self, trainer: Any) -> bool:
        """Whether a checkpoint may still be written by somebody in the background."""
        return "Async" in type(trainer.strategy.checkpoint_io).__name__

    # What to keep

    def _look(self, callback: Any) -> list[_File]:
        paths = _paths(callback)
        fresh = []
        for path in paths:
            try:
                found = os.stat(path)  # noqa: PTH116 - Lightning's path
            except OSError:
                continue
            stamp = (found.st_mtime_ns, found.st_ino)
            known = self._files.get(path)
            if (known is not None and known.stamp == stamp) or found.st_mtime_ns < self._since:
                continue
            artifact = known.artifact if known else self._name(path)
            file = _File(path, stamp, artifact, self._epoch, self._step)
            self._files[path] = file
            fresh.append(file)
            if self._content.files is not None:
                self.keep(path, file.artifact)
        if self._content.files is not None:
            gone = self._drop_gone() if self._content.files == "kept" else 0
            if fresh or gone:
                self._write_index(callback)
        return fresh

    def _name(self, path: str) -> str:
        taken = {file.artifact for file in self._files.values()}
        name = f"{FOLDER}/{os.path.basename(path)}"  # noqa: PTH119 - Lightning's path
        stem, ending = os.path.splitext(name)  # noqa: PTH122
        number_ = 2
        while name in taken:
            name = f"{stem}-{number_}{ending}"
            number_ += 1
        return name

    def keep(self, path: str, artifact: str) -> None:
        """Give a checkpoint a second name among the run's artifacts."""
        source = Path(os.path.realpath(path))
        store = self._session.writer.artifacts
        if source.is_file() and link_file(store, source, artifact):
            self._linked += 1
            return
        self._copied += 1
        put = store.put_directory if source.is_dir() else store.put_file
        self._session.defer(f"checkpoint {artifact}", put, source, artifact)

    def _drop_gone(self) -> int:
        gone = [path for path in self._files if not os.path.exists(path)]  # noqa: PTH110
        for path in gone:
            file = self._files.pop(path)
            store = self._session.writer.artifacts
            if hasattr(store, "link_file"):
                store.delete(file.artifact)  # at once: the name may be needed again
            else:
                self._session.defer(f"removing {file.artifact}", store.delete, file.artifact)
            self._removed += 1
        return len(gone)

    def _write_index(self, callback: Any) -> None:
        scores = getattr(callback, "best_k_models", {})
        best = getattr(callback, "best_model_path", "")
        last = getattr(callback, "last_model_path", "")
        listed = [
            {
                "file": file.artifact.partition("/")[2],
                "epoch": file.epoch,
                "global_step": file.step,
                "score": _float(scores.get(path)),
                "is_best": path == best,
                "is_last": path == last,
            }
            for path, file in self._files.items()
        ]
        known = {
            "monitor": getattr(callback, "monitor", None),
            "mode": getattr(callback, "mode", None),
            "save_top_k": getattr(callback, "save_top_k", None),
            "checkpoints": listed,
        }
        self._session.log_dict(known, INDEX)

    # As MLflow names them

    def _keep_latest(self, file: _File, trainer: Any) -> None:
        options = self._options
        metrics = {
            key: found
            for key, value in trainer._logger_connector._callback_metrics.items()  # noqa: SLF001 - see the recorder
            if (found := _float(value)) is not None
        }
        ending = ".weights.pth" if options.checkpoint_save_weights_only else ".pth"
        if options.checkpoint_save_best_only:
            if not self._is_best(metrics):
                return
            folder, name = FOLDER, "latest_checkpoint"
        else:
            by_epoch = options.checkpoint_save_freq == "epoch"
            at = f"epoch_{file.epoch}" if by_epoch else f"global_step_{file.step}"
            folder, name = f"{FOLDER}/{at}", "checkpoint"
        artifact = f"{folder}/{name}{ending}"
        self.keep(file.path, artifact)
        self._session.log_dict(
            {**metrics, "epoch": file.epoch, "global_step": file.step},
            f"{folder}/{name}_metrics.json",
        )
        self._session.set_tags({LATEST_TAG: artifact})

    def _is_best(self, metrics: dict[str, float]) -> bool:
        value = metrics.get(self._options.checkpoint_monitor)
        if value is None:
            self._unmonitored = True
            return True
        best = self._best
        better = best is None or (
            value < best if self._options.checkpoint_mode == "min" else value > best
        )
        if better:
            self._best = value
        return better

    def tell(self) -> None:
        """Say in the receipt what was kept."""
        session = self._session
        if not self._options.checkpoint:
            return
        count = self._linked + self._copied
        if count:
            removed = f", {self._removed} removed again" if self._removed else ""
            detail = f"{self._linked} linked, {self._copied} copied{removed}"
            session.captured("checkpoints", count, detail)
        elif self._content.latest:
            session.skipped("checkpoints", "the Trainer saved none: it has no ModelCheckpoint")
        if self._unmonitored and self._options.checkpoint_save_best_only and self._content.latest:
            session.skipped(
                "best checkpoint",
                f"no metric {self._options.checkpoint_monitor!r} was logged, "
                "so latest_checkpoint is the latest one",
            )


def _paths(callback: Any) -> list[str]:
    names = ("best_model_path", "last_model_path", "_last_checkpoint_saved")
    found = [*getattr(callback, "best_k_models", {}), *(getattr(callback, n, "") for n in names)]
    return [path for path in dict.fromkeys(str(one) for one in found) if path]


def _float(value: Any) -> float | None:
    found = number(value) if value is not None else None
    return found if isinstance(found, float) else None
