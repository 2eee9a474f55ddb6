"""The settings of LightGBM's autologging."""

from __future__ import annotations

from dataclasses import dataclass

from chiplog.core.autolog.boosting import say_unregistered
from chiplog.core.autolog.config import AutologConfig


@dataclass(frozen=True, kw_only=True)
class LightGBMConfig(AutologConfig):
    """Settings of ``chiplog.lightgbm.autolog()``.

    Attributes:
        log_input_examples: store the first five rows of the training data with the model.
        log_model_signatures: store what the model takes and gives.
        log_models: store the trained model.
        log_datasets: record what data was trained and evaluated on.
        registered_model_name: a name to register the model under.
    """

    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    registered_model_name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        say_unregistered(self.registered_model_name, silent=self.silent, framework="LightGBM")
