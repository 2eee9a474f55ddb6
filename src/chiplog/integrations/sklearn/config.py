"""The settings of scikit-learn's autologging."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chiplog.core.autolog.config import AutologConfig
from chiplog.core.errors import InvalidValue

_FORMATS = ("skops", "pickle", "cloudpickle")

_log = logging.getLogger("chiplog.sklearn")


@dataclass(frozen=True, kw_only=True)
class SklearnConfig(AutologConfig):
    """Settings of ``chiplog.sklearn.autolog()``.

    Attributes:
        log_input_examples: store the first five rows of the training data with the model.
        log_model_signatures: store what the model takes and gives.
        log_models: store the trained model, and a search's best one.
        log_datasets: record what data was trained and evaluated on.
        max_tuning_runs: how many candidates of a search become child runs, the best first. None,
            the default, is all of them: they are recorded in bulk and cost little. (MLflow's
            default is 5.) 0 is none.
        log_post_training_metrics: record scores and metrics computed on a trained model's
            predictions.
        serialization_format: ``"skops"``, which holds data only, ``"pickle"`` or ``"cloudpickle"``.
        registered_model_name: a name to register the model under.
        pos_label: the positive class of binary classifiers' training metrics; None averages over
            the classes, weighted.
    """

    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    max_tuning_runs: int | None = None
    log_post_training_metrics: bool = True
    serialization_format: str = "skops"
    registered_model_name: str | None = None
    pos_label: object = None

    def __post_init__(self) -> None:
        super().__post_init__()
        count = self.max_tuning_runs
        if count is not None and (
            isinstance(count, bool) or not isinstance(count, int) or count < 0
        ):
            raise InvalidValue(
                f"max_tuning_runs={count!r} is not allowed: give a number of candidates from 0, "
                "or None for all of them."
            )
        if self.serialization_format not in _FORMATS:
            raise InvalidValue(
                f"serialization_format={self.serialization_format!r} is unknown; it is one of "
                f"{', '.join(_FORMATS)}."
            )
        if self.registered_model_name is not None and not self.silent:
            _log.warning(
                "registered_model_name=%r is not acted on: there is no model registry yet.",
                self.registered_model_name,
            )
