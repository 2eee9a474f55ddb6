"""The settings of ``chiplog.catboost.autolog()``."""

from __future__ import annotations

from dataclasses import dataclass

from chiplog.plugins import AutologConfig


@dataclass(frozen=True, kw_only=True)
class CatBoostConfig(AutologConfig):
    """Settings of ``chiplog.catboost.autolog()``, beside those that every integration has.

    Attributes:
        log_input_examples: store the first five rows of the training data with the model.
        log_model_signatures: store what the model takes and gives.
        log_models: store the trained model.
        log_datasets: record what data was trained and evaluated on.
        live_metrics: record each iteration at once, through a callback; CatBoost marks a model so
            trained, and cannot train it further once it has been saved and loaded.
    """

    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    live_metrics: bool = False
