"""The settings of TensorFlow's autologging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.config import AutologConfig
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class TensorFlowConfig(AutologConfig):
    """Settings of ``chiplog.tensorflow.autolog()``; those of ``fit`` go to Keras's autologging.

    Attributes:
        log_models: store the trained model.
        log_datasets: record what data ``fit`` was given.
        registered_model_name: a name to register the model under.
        log_input_examples: store the first five rows of the training data with the model.
        log_model_signatures: store what the model takes and gives.
        saved_model_kwargs: accepted for MLflow's sake; models are stored in Keras's own format.
        keras_model_kwargs: arguments for the model's ``save``.
        log_every_epoch: record metrics of ``fit`` at the end of each epoch, at step = epoch.
        log_every_n_steps: instead of that (set ``log_every_epoch=False``), record them every so
            many batches. In a loop of one's own: record every so many steps, each if None.
        checkpoint: store the model while ``fit`` trains it: always, never, or (None) as often as
            that takes no more than 1 % of the training time.
        checkpoint_monitor: the metric that tells which model is the best.
        checkpoint_mode: ``"min"`` or ``"max"``: what of it is best.
        checkpoint_save_best_only: store a checkpoint only if it is the best so far, over the last.
        checkpoint_save_weights_only: store the weights alone.
        checkpoint_save_freq: ``"epoch"``, or a number of batches.
    """

    log_models: bool = True
    log_datasets: bool = True
    registered_model_name: str | None = None
    log_input_examples: bool = False
    log_model_signatures: bool = True
    saved_model_kwargs: Mapping[str, Any] | None = None
    keras_model_kwargs: Mapping[str, Any] | None = None
    log_every_epoch: bool = True
    log_every_n_steps: int | None = None
    checkpoint: bool | None = None
    checkpoint_monitor: str = "val_loss"
    checkpoint_mode: str = "min"
    checkpoint_save_best_only: bool = True
    checkpoint_save_weights_only: bool = False
    checkpoint_save_freq: str | int = "epoch"

    def __post_init__(self) -> None:
        super().__post_init__()
        every = self.log_every_n_steps
        if self.log_every_epoch == (every is not None):
            raise InvalidValue(
                f"log_every_epoch={self.log_every_epoch!r} and log_every_n_steps={every!r}: give "
                "exactly one of the two."
            )
        if every is not None and (isinstance(every, bool) or every < 1):
            raise InvalidValue(
                f"log_every_n_steps={every!r} is not allowed: give a number of steps from 1."
            )
