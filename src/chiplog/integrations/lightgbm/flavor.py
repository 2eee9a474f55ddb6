"""LightGBM models on disk: boosters as LightGBM's own text, estimators as skops by default."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import DamagedModel, InvalidValue, MissingLibrary
from chiplog.core.models import references, safety
from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of
from chiplog.core.models.skops import file as skops_file
from chiplog.integrations.lightgbm import structure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust

BOOSTER_FILE: Final = "model.lgb"
FORMATS: Final = {"skops": "model.skops", "pickle": "model.pkl", "cloudpickle": "model.pkl"}
_BOOSTER: Final = "lightgbm.basic.Booster"

#: What an estimator's file holds beside scikit-learn's, and as what kind of record. A booster in it
#: is LightGBM's own text, which LightGBM parses when the booster is given its state.
_OWN: Final = {
    _BOOSTER: frozenset({"ObjectNode"}),
    "collections.OrderedDict": frozenset({"DictNode", "TypeNode"}),
    "lightgbm.sklearn.LGBMClassifier": frozenset({"ObjectNode"}),
    "lightgbm.sklearn.LGBMModel": frozenset({"ObjectNode"}),
    "lightgbm.sklearn.LGBMRanker": frozenset({"ObjectNode"}),
    "lightgbm.sklearn.LGBMRegressor": frozenset({"ObjectNode"}),
}


class LightGBMFlavor:
    """Saves and loads boosters and LightGBM's scikit-learn estimators.

    Options: ``serialization_format`` of estimators (skops, pickle or cloudpickle),
    ``skops_trusted_types``, and ``save_arguments`` for ``Booster.save_model``.
    """

    name = "lightgbm"
    module = "chiplog.integrations.lightgbm.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is a booster or an estimator of LightGBM's."""
        basic, estimators = sys.modules.get("lightgbm.basic"), sys.modules.get("lightgbm.sklearn")
        return (basic is not None and isinstance(model, basic.Booster)) or (
            estimators is not None and isinstance(model, estimators.LGBMModel)
        )

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's file; raises CannotSave if the format cannot hold it."""
        import lightgbm

        chosen = check_format(options.get("serialization_format"))
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        modules = {"lightgbm", "numpy", "scipy"}
        trusted: list[str] | None = None
        notes: tuple[str, ...] = ()
        if isinstance(model, lightgbm.Booster):
            kind, file = _BOOSTER, BOOSTER_FILE
            model.save_model(str(path / file), **(options.get("save_arguments") or {}))
        else:
            file = FORMATS[chosen]
            data, more, trusted, notes = _encode(model, chosen, options)
            modules |= more | {"sklearn"}
            (path / file).write_bytes(data)
        settings = {
            "lgb_version": lightgbm.__version__,
            "data": file,
            "model_class": kind,
            "serialization_format": chosen,
            "skops_trusted_types": trusted,
        }
        function = {"loader_module": "mlflow.lightgbm", "data": file}
        return Saved(settings, function, frozenset(modules), notes)

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model's file as far as it is trusted."""
        import lightgbm

        file = file_of(path, settings.get("data", BOOSTER_FILE))
        if settings.get("model_class", _BOOSTER) == _BOOSTER:
            structure.check_file(file)
            return safety.read_data(
                file, "a LightGBM model", lambda found: lightgbm.Booster(model_file=str(found))
            )
        if settings.get("serialization_format", "cloudpickle") == "skops":
            return _checked(
                safety.read_skops(file, trust, _OWN, {_BOOSTER: structure.check_state}), file
            )
        return safety.read_pickle(file, trust)

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],  # noqa: ARG002 - none of them matters to it
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the saved model gives for ``data``."""
        # A pool of threads would outlive it, forks too.
        return model.predict(data, **{"num_threads": 1, **(params or {})})


def _checked(model: Any, file: Path) -> Any:
    """The estimator, if its booster is one: LightGBM would follow a handle that leads nowhere."""
    import lightgbm

    booster = getattr(model, "_Booster", None)
    handle = vars(booster).get("_handle") if isinstance(booster, lightgbm.Booster) else None
    is_made = isinstance(handle, ctypes.c_void_p) and bool(handle.value)
    if booster is not None and not is_made:
        raise DamagedModel(f"{str(file)!r} holds an estimator whose booster is none.")
    return model


def check_format(chosen: str | None) -> str:
    """The format of estimators, skops by default; raises InvalidValue for an unknown one."""
    if chosen is None:
        return "skops"
    if chosen not in FORMATS:
        raise InvalidValue(
            f"serialization_format={chosen!r} is unknown; it is one of {', '.join(FORMATS)}."
        )
    return chosen


def _encode(
    model: Any, chosen: str, options: Mapping[str, Any]
) -> tuple[bytes, set[str], list[str] | None, tuple[str, ...]]:
    """An estimator as bytes, the modules it references, what must be trusted, and notes on that."""
    if chosen == "skops":
        data = skops_file.dump(model)
        untrusted = skops_file.untrusted_by_skops(data)
        given = options.get("skops_trusted_types")
        needed = [name for name in skops_file.needs_trust(untrusted) if name not in _OWN]
        trusted = list(given) if given is not None else untrusted
        return data, skops_file.type_names(data) | {"skops"}, trusted, skops_file.notes_on(needed)
    if chosen == "pickle":
        import pickle

        data = pickle.dumps(model, protocol=pickle.DEFAULT_PROTOCOL)
        return data, references.in_pickle(data), None, ()
    try:
        import cloudpickle
    except ImportError as error:
        raise MissingLibrary(
            "serialization_format='cloudpickle' needs cloudpickle, which is not installed.\n"
            "    pip install cloudpickle"
        ) from error
    data = cloudpickle.dumps(model)
    return data, references.in_pickle(data) | {"cloudpickle"}, None, ()
