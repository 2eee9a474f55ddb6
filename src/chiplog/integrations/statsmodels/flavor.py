"""statsmodels' results on disk: pickles, which are saved and loaded only when asked for.

statsmodels has no other format, and could have none for formulas: predicting with one evaluates it,
which is running code.
"""

from __future__ import annotations

import copy
import pickle
import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import CannotSave, InvalidValue
from chiplog.core.models import references, safety
from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust

FILE: Final = "model.statsmodels"
FORMAT: Final = "pickle"


class StatsmodelsFlavor:
    """Saves and loads what the fits of statsmodels hand back.

    Options: ``serialization_format``, which must be ``"pickle"``, and ``remove_data``.
    """

    name = "statsmodels"
    module = "chiplog.integrations.statsmodels.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is the result of a fit."""
        wrapper = getattr(sys.modules.get("statsmodels.base.wrapper"), "ResultsWrapper", None)
        results = getattr(sys.modules.get("statsmodels.base.model"), "Results", None)
        kinds = tuple(kind for kind in (wrapper, results) if kind is not None)
        return isinstance(model, kinds)

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's file; raises CannotSave unless a pickle was asked for."""
        import statsmodels

        if check_format(options.get("serialization_format")) is None:
            raise CannotSave(
                f"A {type(model).__name__} can only be pickled, since statsmodels has no format "
                f"that holds data alone. Save it with serialization_format={FORMAT!r}; loading it "
                "then needs allow_pickle=True."
            )
        if options.get("remove_data"):
            model = copy.deepcopy(model)
            model.remove_data()
        data = pickle.dumps(model, protocol=pickle.DEFAULT_PROTOCOL)
        (path / FILE).write_bytes(data)
        settings = {
            "statsmodels_version": statsmodels.__version__,
            "data": FILE,
            "serialization_format": FORMAT,
        }
        function = {"loader_module": "mlflow.statsmodels", "data": FILE}
        modules = references.in_pickle(data) | {"statsmodels", "numpy", "scipy", "pandas"}
        notes = ("loading it runs the code it names, and needs allow_pickle=True",)
        return Saved(settings, function, frozenset(modules), notes)

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model's file if it is trusted."""
        return safety.read_pickle(file_of(path, settings.get("data", FILE)), trust)

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],  # noqa: ARG002 - none of them matters to it
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the saved model gives for ``data``.

        A model of a time series takes one row with the columns ``start`` and ``end``.
        """
        given = dict(params or {})
        if not is_of_time_series(getattr(model, "model", None)):
            return model.predict(data, **given)
        columns = getattr(data, "columns", ())
        if len(data) != 1 or not {"start", "end"} <= set(columns):
            raise InvalidValue(
                f"A {type(model).__name__} is of a time series, and predicts from a frame of one "
                "row with the columns 'start' and 'end'. This one has "
                f"{len(data)} rows and the columns {', '.join(map(repr, columns)) or 'none'}."
            )
        return model.predict(start=data["start"].iloc[0], end=data["end"].iloc[0], **given)


def check_format(chosen: str | None) -> str | None:
    """The file format if one was asked for; raises InvalidValue for an unknown one."""
    if chosen not in {None, FORMAT}:
        raise InvalidValue(
            f"serialization_format={chosen!r} is unknown; statsmodels has {FORMAT!r} alone."
        )
    return chosen


def is_of_time_series(model: object) -> bool:
    """Whether a model, not yet fitted, predicts points of time instead of rows."""
    kind = getattr(sys.modules.get("statsmodels.tsa.base.tsa_model"), "TimeSeriesModel", None)
    return kind is not None and isinstance(model, kind)
