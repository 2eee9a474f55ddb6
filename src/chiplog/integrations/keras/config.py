"""The settings of Keras's autologging."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.config import AutologConfig
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("chiplog.keras")


@dataclass(frozen=True, kw_only=True)
class KerasConfig(AutologConfig):
    """Settings of ``chiplog.keras.autolog()``.

    Attributes:
        log_every_epoch: record metrics at the end of each epoch, at step = epoch.
        log_every_n_steps: instead of that (set ``log_every_epoch=False``), record them every so
            many batches, at step = batch.
        log_batches: record the metrics of every batch too, as ``batch/<name>`` at step = batch.
        log_models: store the trained model.
        log_model_signatures: store what the model takes and gives.
        save_exported_model: store it as Keras's ``export`` writes it, for inference only.
        log_datasets: record what data was trained and evaluated on.
        log_input_examples: store the first five rows of the training data with the model.
        log_post_training_metrics: record what ``evaluate`` measures on a trained model.
        registered_model_name: a name to register the model under.
        save_model_kwargs: arguments for the model's ``save``.
        keras_model_kwargs: TensorFlow's name for the same.
        checkpoint: store the model while it trains: always, never, or (None) as often as that
            takes no more than 1 % of the training time.
        checkpoint_monitor: the metric that tells which model is the best.
        checkpoint_mode: ``"min"`` or ``"max"``: what of it is best.
        checkpoint_save_best_only: store a checkpoint only if it is the best so far, over the last.
        checkpoint_save_weights_only: store the weights alone.
        checkpoint_save_freq: ``"epoch"``, or a number of batches.
    """

    log_every_epoch: bool = True
    log_every_n_steps: int | None = None
    log_batches: bool = True
    log_models: bool = True
    log_model_signatures: bool = True
    save_exported_model: bool = False
    log_datasets: bool = True
    log_input_examples: bool = False
    log_post_training_metrics: bool = True
    registered_model_name: str | None = None
    save_model_kwargs: Mapping[str, Any] | None = None
    keras_model_kwargs: Mapping[str, Any] | None = None
    checkpoint: bool | None = None
    checkpoint_monitor: str = "val_loss"
    checkpoint_mode: str = "min"
    checkpoint_save_best_only: bool = True
    checkpoint_save_weights_only: bool = False
    checkpoint_save_freq: str | int = "epoch"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.log_every_epoch == (self.log_every_n_steps is not None):
            raise InvalidValue(
                f"log_every_epoch={self.log_every_epoch!r} and "
                f"log_every_n_steps={self.log_every_n_steps!r}: give exactly one of the two. "
                "Every batch is recorded as 'batch/<name>' in any case (log_batches)."
            )
        if self.log_every_n_steps is not None and not _is_count(self.log_every_n_steps):
            raise InvalidValue(
                f"log_every_n_steps={self.log_every_n_steps!r} is not allowed: give a number of "
                "batches from 1."
            )
        if self.checkpoint_mode not in {"min", "max"}:
            raise InvalidValue(
                f"checkpoint_mode={self.checkpoint_mode!r} is unknown; it is 'min' or 'max'."
            )
        if self.checkpoint_save_freq != "epoch" and not _is_count(self.checkpoint_save_freq):
            raise InvalidValue(
                f"checkpoint_save_freq={self.checkpoint_save_freq!r} is not allowed: give 'epoch' "
                "or a number of batches from 1."
            )
        if self.registered_model_name is not None and not self.silent:
            _log.warning(
                "registered_model_name=%r is not acted on: there is no model registry yet.",
                self.registered_model_name,
            )

    @property
    def saving(self) -> dict[str, Any]:
        """The arguments for the model's ``save``."""
        return {**(self.keras_model_kwargs or {}), **(self.save_model_kwargs or {})}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
