"""Checkpoints of a model while it trains, under MLflow's names."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import keras

from chiplog.core.models import keras_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.integrations.keras.config import KerasConfig

FOLDER: Final = "checkpoints"
TAG: Final = "mlflow.latest_checkpoint_artifact"
_WHAT: Final = "checkpoint"


class Checkpoints:
    """Stores the model as it is while it trains, the best so far or each.

    Args:
        always: whether to store each one whatever it costs, rather than as many as cost no more
            than the part of the training time that extras may take.
    """

    def __init__(self, session: TrainingSession, options: KerasConfig, *, always: bool) -> None:
        self._session = session
        self._options = options
        self._always = always
        self._best: float | None = None
        self._is_told = False
        self.count = 0

    def after_epoch(
        self, model: Any, metrics: Mapping[str, Any], epoch: int, global_step: int
    ) -> None:
        """An epoch ended."""
        if self._options.checkpoint_save_freq == "epoch":
            self._consider(model, metrics, epoch, global_step, f"epoch_{epoch}")

    def after_batch(self, model: Any, metrics: Mapping[str, Any], epoch: int, step: int) -> None:
        """A batch ended; ``step`` counts from 0."""
        every = self._options.checkpoint_save_freq
        if isinstance(every, int) and (step + 1) % every == 0:
            self._consider(model, metrics, epoch, step + 1, f"global_step_{step + 1}")

    def _consider(
        self, model: Any, metrics: Mapping[str, Any], epoch: int, global_step: int, place: str
    ) -> None:
        options, value = self._options, None
        if options.checkpoint_save_best_only:
            value = metrics.get(options.checkpoint_monitor)
            if value is None:
                self._tell_missing(metrics)
                return
            if self._best is not None and not self._is_better(value):
                return
        if not (self._always or self._session.affords(_WHAT)):
            return
        with self._session.spending(_WHAT):
            self._store(model, metrics, epoch, global_step, place)
        self._best = value
        self.count += 1

    def _is_better(self, value: float) -> bool:
        best = self._best
        if best is None:
            return True
        return value < best if self._options.checkpoint_mode == "min" else value > best

    def _tell_missing(self, metrics: Mapping[str, Any]) -> None:
        if not self._is_told:
            self._is_told = True
            self._session.skipped(
                _WHAT,
                f"checkpoint_monitor={self._options.checkpoint_monitor!r} is not measured; there "
                f"are: {', '.join(map(repr, metrics)) or 'no metrics'}",
            )

    def _store(
        self, model: Any, metrics: Mapping[str, Any], epoch: int, global_step: int, place: str
    ) -> None:
        """Write the files now, and bring them to the run's artifacts on the background thread."""
        folder = Path(tempfile.mkdtemp(prefix="chiplog-checkpoint-"))
        suffix = _write(model, folder / _WHAT, weights_only=self._weights_only(model))
        if self._options.checkpoint_save_best_only:
            stem = f"{FOLDER}/latest_{_WHAT}"
        else:
            stem = f"{FOLDER}/{place}/{_WHAT}"
        file = stem + suffix
        self._session.set_tags({TAG: file})
        self._session.defer(
            f"file {file}", _bring, self._session.writer.artifacts, folder, _WHAT + suffix, file
        )
        about = {**metrics, "epoch": epoch, "global_step": global_step}
        self._session.log_dict(about, f"{stem}_metrics.json")

    def _weights_only(self, model: Any) -> bool:
        """Whether only weights are stored; the format cannot hold models of the user's classes."""
        plain = isinstance(model, keras.Sequential) or type(model).__name__ == "Functional"
        return self._options.checkpoint_save_weights_only or not plain


def _write(model: Any, stem: Path, *, weights_only: bool) -> str:
    """Write a checkpoint; hands back how its name ends."""
    suffix = ".weights.h5" if weights_only else ".h5"
    with _without_advice(), _settings_untouched(model):
        if weights_only:
            model.save_weights(f"{stem}{suffix}")
        else:
            keras_file.write(model, stem.with_name(stem.name + suffix))
    return suffix


@contextlib.contextmanager
def _settings_untouched(model: Any) -> Iterator[None]:
    """Keep what the model was compiled with: writing HDF5 takes the optimizer out of it."""
    holder = getattr(model, "_compile_config", None)
    settings = getattr(holder, "config", None)
    before = dict(settings) if isinstance(settings, dict) else None
    try:
        yield
    finally:
        if before is not None:
            settings.clear()  # type: ignore[union-attr]  # it is a dict
            settings.update(before)  # type: ignore[union-attr]  # as above


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Keep Keras from advising the user of another format than MLflow's, which we chose."""
    logger = logging.getLogger("absl")

    def is_no_advice(record: logging.LogRecord) -> bool:
        return "HDF5" not in record.getMessage()

    logger.addFilter(is_no_advice)
    try:
        yield
    finally:
        logger.removeFilter(is_no_advice)


def _bring(artifacts: Any, folder: Path, name: str, path: str) -> None:
    try:
        artifacts.put_file(folder / name, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
