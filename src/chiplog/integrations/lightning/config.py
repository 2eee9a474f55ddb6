"""The settings of Lightning's autologging, which are those of PyTorch's in MLflow."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chiplog.core.autolog.config import AutologConfig
from chiplog.core.errors import InvalidValue

_log = logging.getLogger("chiplog.lightning")


@dataclass(frozen=True, kw_only=True)
class LightningConfig(AutologConfig):
    """Settings of ``chiplog.lightning.autolog()``; ``chiplog.pytorch.autolog()`` sets them, too.

    Attributes:
        log_every_n_epoch: record the metrics of epochs at every n-th epoch.
        log_every_n_step: record the metrics of steps at every n-th step. None, the default, is
            every step: they cost little. (MLflow's None is no step.)
        log_models: store the trained model.
        log_datasets: record what data was trained on.
        registered_model_name: a name to register the model under.
        checkpoint: keep what the Trainer's ``ModelCheckpoint`` saves with the run.
        checkpoint_monitor: the metric that tells the best checkpoint.
        checkpoint_mode: ``"min"`` or ``"max"``.
        checkpoint_save_best_only: ``checkpoints/latest_checkpoint.pth`` is the best one so far;
            otherwise each one is kept, under its epoch or step.
        checkpoint_save_weights_only: keep checkpoints that hold weights alone.
        checkpoint_save_freq: ``"epoch"``, or a number of steps: what checkpoints are kept under.
        log_model_signatures: store what the model takes and gives.
    """

    log_every_n_epoch: int = 1
    log_every_n_step: int | None = None
    log_models: bool = True
    log_datasets: bool = True
    registered_model_name: str | None = None
    checkpoint: bool = True
    checkpoint_monitor: str = "val_loss"
    checkpoint_mode: str = "min"
    checkpoint_save_best_only: bool = True
    checkpoint_save_weights_only: bool = False
    checkpoint_save_freq: str | int = "epoch"
    log_model_signatures: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_count("log_every_n_epoch", self.log_every_n_epoch)
        if self.log_every_n_step is not None:
            _check_count("log_every_n_step", self.log_every_n_step)
        if self.checkpoint_save_freq != "epoch":
            _check_count("checkpoint_save_freq", self.checkpoint_save_freq)
        if self.checkpoint_mode not in {"min", "max"}:
            raise InvalidValue(
                f"checkpoint_mode={self.checkpoint_mode!r} is unknown; it is 'min' or 'max'."
            )
        if self.registered_model_name is not None and not self.silent:
            _log.warning(
                "registered_model_name=%r is not acted on: there is no model registry yet.",
                self.registered_model_name,
            )


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidValue(f"{name}={value!r} is not allowed: give a whole number from 1.")
