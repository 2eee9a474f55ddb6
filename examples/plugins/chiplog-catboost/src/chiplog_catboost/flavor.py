"""CatBoost's models on disk: its own binary format, which holds data only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from chiplog.plugins import CannotSave, DamagedModel, InvalidValue, Saved, file_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.plugins import Trust

FILE = "model.cb"
MAGIC = b"CBM1"
FORMATS = ("cbm", "json")
KINDS = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")


class CatBoostFlavor:
    """Saves and loads CatBoost's models. Option: ``save_format``, ``"cbm"`` or ``"json"``."""

    name = "catboost"
    module = "chiplog_catboost.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is one of CatBoost's; imports nothing."""
        catboost = sys.modules.get("catboost")
        return catboost is not None and isinstance(model, catboost.CatBoost)

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's file; raises CannotSave if it has not been trained."""
        import catboost

        chosen = options.get("save_format") or "cbm"
        if chosen not in FORMATS:
            raise InvalidValue(
                f"save_format={chosen!r} is unknown; it is one of {', '.join(FORMATS)}."
            )
        if not model.is_fitted():
            raise CannotSave(f"The {type(model).__name__} has not been trained; call fit() first.")
        model.save_model(str(path / FILE), format=chosen)
        kind = next(c.__name__ for c in type(model).__mro__ if c.__name__ in KINDS)
        settings = {
            "catboost_version": catboost.__version__,
            "data": FILE,
            "model_type": kind,
            "save_format": chosen,
        }
        function = {"loader_module": "mlflow.catboost", "data": FILE}
        return Saved(settings, function, frozenset({"catboost", "numpy"}))

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model's file."""
        import catboost

        file = file_of(path, settings.get("data", FILE))
        kind, chosen = settings.get("model_type", "CatBoost"), settings.get("save_format", "cbm")
        if kind not in KINDS or chosen not in FORMATS:
            raise DamagedModel(
                f"The model in {str(path)!r} says that it is a {kind!r} in the format {chosen!r}; "
                f"known are {', '.join(KINDS)} and {', '.join(FORMATS)}."
            )
        _check_beginning(file, chosen)
        model = getattr(catboost, kind)()
        try:
            return model.load_model(str(file), format=chosen)
        except catboost.CatBoostError as error:
            raise DamagedModel(f"{str(file)!r} is no readable CatBoost model: {error}") from error

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the saved model gives for ``data``; ``params`` are arguments of its ``predict``."""
        return model.predict(data, **(params or {}))


def _check_beginning(file: Path, chosen: str) -> None:
    """Raise DamagedModel unless the file begins as its format does."""
    with file.open("rb") as stream:
        beginning = stream.read(len(MAGIC))
    right = beginning == MAGIC if chosen == "cbm" else beginning[:1] == b"{"
    if not right:
        raise DamagedModel(f"{str(file)!r} is no {chosen} file: it begins with {beginning!r}.")
