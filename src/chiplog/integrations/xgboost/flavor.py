"""XGBoost models on disk, in XGBoost's own formats, which hold data only."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import InvalidValue, NotFound, UntrustedModel
from chiplog.core.models import safety
from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of
from chiplog.integrations.xgboost import structure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust

FORMATS: Final = ("ubj", "json", "xgb")
_BOOSTER: Final = "xgboost.core.Booster"
_ESTIMATORS: Final = frozenset(
    {
        "xgboost.sklearn.XGBModel",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
        "xgboost.sklearn.XGBRanker",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
    }
)


class XGBoostFlavor:
    """Saves and loads boosters and XGBoost's scikit-learn estimators.

    Options: ``model_format`` (ubj or json).
    """

    name = "xgboost"
    module = "chiplog.integrations.xgboost.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is a booster or an estimator of XGBoost's."""
        core, estimators = sys.modules.get("xgboost.core"), sys.modules.get("xgboost.sklearn")
        return (core is not None and isinstance(model, core.Booster)) or (
            estimators is not None and isinstance(model, estimators.XGBModel)
        )

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's file."""
        import xgboost

        chosen = check_format(options.get("model_format"))
        file = f"model.{chosen}"
        model.save_model(str(path / file))
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        settings = {
            "xgb_version": xgboost.__version__,
            "data": file,
            "model_class": kind,
            "model_format": chosen,
        }
        modules = {"xgboost", "numpy", "scipy"}
        if not isinstance(model, xgboost.Booster):
            modules.add("sklearn")
        notes: tuple[str, ...] = ()
        if kind not in _ESTIMATORS | {_BOOSTER}:
            modules.add(kind.partition(".")[0])
            notes = (f"loading needs trusted_types=[{kind!r}]",)
        function = {"loader_module": "mlflow.xgboost", "data": file}
        return Saved(settings, function, frozenset(modules), notes)

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model's file into an object of its class, if that class is XGBoost's own."""
        kind = str(settings.get("model_class", _BOOSTER))
        file = file_of(path, settings.get("data", "model.xgb"))
        if kind not in _ESTIMATORS | {_BOOSTER} and kind not in trust.types:
            raise UntrustedModel(
                f"{str(path)!r} is a {kind}, which is not a class of XGBoost's. If you trust where "
                f"it came from, load it with trusted_types=[{kind!r}].",
                [kind],
            )
        structure.check(file)
        model = _class(kind)()
        safety.read_data(file, "an XGBoost model", lambda found: model.load_model(str(found)))
        return model

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],  # noqa: ARG002 - none of them matters to it
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the saved model gives for ``data``."""
        import xgboost

        if isinstance(model, xgboost.Booster) and not isinstance(data, xgboost.DMatrix):
            names = None if hasattr(data, "columns") else model.feature_names
            data = xgboost.DMatrix(data, feature_names=names, enable_categorical=True)
        return model.predict(data, **(params or {}))


def check_format(chosen: str | None) -> str:
    """The file format, UBJSON by default; raises InvalidValue for one that is not written."""
    if chosen is None:
        return "ubj"
    if chosen not in FORMATS:
        raise InvalidValue(
            f"model_format={chosen!r} is unknown; it is one of {', '.join(FORMATS)}, of which the "
            "last is what XGBoost makes of a name it does not know."
        )
    return chosen


def _class(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise NotFound(f"The model is a {name}, which cannot be imported here: {error}.") from error
