"""The settings of XGBoost's autologging."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - the signature of autolog() shows it
from dataclasses import dataclass

from chiplog.core.autolog.boosting import say_unregistered
from chiplog.core.autolog.config import AutologConfig
from chiplog.core.errors import InvalidValue
from chiplog.integrations.xgboost.flavor import check_format

TYPES = ("weight", "gain", "cover", "total_gain", "total_cover")


@dataclass(frozen=True, kw_only=True)
class XGBoostConfig(AutologConfig):
    """Settings of ``chiplog.xgboost.autolog()``.

    Attributes:
        importance_types: the kinds of feature importance to record, of ``"weight"`` (the default),
            ``"gain"``, ``"cover"``, ``"total_gain"`` and ``"total_cover"``.
        log_input_examples: store the first five rows of the training data with the model.
        log_model_signatures: store what the model takes and gives.
        log_models: store the trained model.
        log_datasets: record what data was trained and evaluated on.
        registered_model_name: a name to register the model under.
        model_format: ``"ubj"`` (the default) or ``"json"``.
    """

    importance_types: Sequence[str] | None = None
    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    registered_model_name: str | None = None
    model_format: str = "ubj"

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = ("weight",) if self.importance_types is None else self.importance_types
        unknown = [kind for kind in kinds if kind not in TYPES]
        if isinstance(kinds, str) or unknown:
            raise InvalidValue(
                f"importance_types={self.importance_types!r} is not allowed: give a list of "
                f"{', '.join(map(repr, TYPES))}."
            )
        object.__setattr__(self, "importance_types", tuple(kinds))
        check_format(self.model_format)
        say_unregistered(self.registered_model_name, silent=self.silent, framework="XGBoost")
