"""scikit-learn models on disk: skops by default, pickle only when asked for."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import DamagedModel, InvalidValue, MissingLibrary
from chiplog.core.models import references, safety
from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of
from chiplog.core.models.skops import file as skops_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust

FORMATS: Final = {"skops": "model.skops", "pickle": "model.pkl", "cloudpickle": "model.pkl"}


class SklearnFlavor:
    """Saves and loads scikit-learn estimators.

    Options: ``serialization_format`` (skops, pickle or cloudpickle), ``pyfunc_predict_fn``,
    ``skops_trusted_types``.
    """

    name = "sklearn"
    module = "chiplog.integrations.sklearn.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is an estimator of scikit-learn or in its manner."""
        base = sys.modules.get("sklearn.base")
        return base is not None and isinstance(model, base.BaseEstimator)

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's file; raises CannotSave if the format cannot hold it."""
        import sklearn

        chosen = check_format(options.get("serialization_format"))
        file = FORMATS[chosen]
        trusted: list[str] | None = None
        notes: tuple[str, ...] = ()
        if chosen == "skops":
            data = skops_file.dump(model)
            modules = skops_file.type_names(data) | {"skops", "numpy", "scipy"}
            given = options.get("skops_trusted_types")
            untrusted = skops_file.untrusted_by_skops(data)
            trusted = list(given) if given is not None else untrusted
            notes = skops_file.notes_on(skops_file.needs_trust(untrusted))
        else:
            data = _pickler(chosen)(model)
            modules = references.in_pickle(data) | {"numpy", "scipy"}
            if chosen == "cloudpickle":
                modules |= {"cloudpickle"}
        (path / file).write_bytes(data)
        settings = {
            "pickled_model": file,
            "sklearn_version": sklearn.__version__,
            "serialization_format": chosen,
            "skops_trusted_types": trusted,
        }
        method = options.get("pyfunc_predict_fn") or "predict"
        function = None
        if hasattr(model, method):
            function = {"loader_module": "mlflow.sklearn", "model_path": file, "predict_fn": method}
        return Saved(settings, function, frozenset(modules | {"sklearn"}), notes)

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model's file as far as it is trusted."""
        file = file_of(path, settings.get("pickled_model", "model.pkl"))
        if settings.get("serialization_format", "pickle") == "skops":
            return safety.read_skops(file, trust)
        return safety.read_pickle(file, trust)

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the saved model gives for ``data``, by the method that was asked for on saving."""
        method = str(options.get("pyfunc_predict_fn") or options.get("predict_fn") or "predict")
        if method.startswith("_"):
            raise DamagedModel(f"The model says that {method!r} predicts, which is no such method.")
        if not hasattr(model, method):
            method = "transform"
        return getattr(model, method)(data, **(params or {}))


def check_format(chosen: str | None) -> str:
    """The file format, skops by default; raises InvalidValue for an unknown one."""
    if chosen is None:
        return "skops"
    if chosen not in FORMATS:
        raise InvalidValue(
            f"serialization_format={chosen!r} is unknown; it is one of {', '.join(FORMATS)}."
        )
    return chosen


def _pickler(chosen: str) -> Callable[[object], bytes]:
    if chosen == "pickle":
        import pickle

        return functools.partial(pickle.dumps, protocol=pickle.DEFAULT_PROTOCOL)
    try:
        import cloudpickle
    except ImportError as error:
        raise MissingLibrary(
            "serialization_format='cloudpickle' needs cloudpickle, which is not installed.\n"
            "    pip install cloudpickle"
        ) from error
    dumps: Callable[[object], bytes] = cloudpickle.dumps
    return dumps
