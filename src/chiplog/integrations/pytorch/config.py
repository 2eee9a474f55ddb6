"""The settings of PyTorch's autologging."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chiplog.core.autolog.config import AutologConfig
from chiplog.core.errors import InvalidValue

_log = logging.getLogger("chiplog.pytorch")


@dataclass(frozen=True, kw_only=True)
class PytorchConfig(AutologConfig):
    """Settings of ``chiplog.pytorch.autolog()``, for plain loops and for Lightning.

    Attributes:
        log_every_n_epoch: Lightning: record the metrics of an epoch at every n-th one.
        log_every_n_step: record at every n-th step; None, the default, is every one.
        log_models: store the trained model.
        log_datasets: record what data was trained on.
        registered_model_name: a name to register the model under.
        checkpoint: Lightning: store checkpoints while training.
        checkpoint_monitor: Lightning: the metric that says which checkpoint is best.
        checkpoint_mode: Lightning: ``"min"`` or ``"max"`` of it is best.
        checkpoint_save_best_only: Lightning: keep the best one only.
        checkpoint_save_weights_only: Lightning: without the optimizer's state.
        checkpoint_save_freq: Lightning: ``"epoch"``, or a number of steps.
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
        if self.registered_model_name is not None and not self.silent:
            _log.warning(
                "registered_model_name=%r is not acted on: there is no model registry yet.",
                self.registered_model_name,
            )


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidValue(f"{name}={value!r} is not allowed: give a whole number from 1.")
