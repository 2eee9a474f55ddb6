"""The settings of statsmodels' autologging."""

from __future__ import annotations

from dataclasses import dataclass

from chiplog.core.autolog.boosting import say_unregistered
from chiplog.core.autolog.config import AutologConfig
from chiplog.integrations.statsmodels.flavor import check_format


@dataclass(frozen=True, kw_only=True)
class StatsmodelsConfig(AutologConfig):
    """Settings of ``chiplog.statsmodels.autolog()``.

    Attributes:
        log_input_examples: store the first five rows of the training data with the model.
        log_model_signatures: store what the model takes and gives.
        log_models: store the fitted model, if ``serialization_format`` allows it.
        log_datasets: record what data was trained on.
        registered_model_name: a name to register the model under.
        serialization_format: ``"pickle"`` stores models; statsmodels has no format that holds data
            alone, so by default none are.
    """

    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    registered_model_name: str | None = None
    serialization_format: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_format(self.serialization_format)
        say_unregistered(self.registered_model_name, silent=self.silent, framework="statsmodels")
