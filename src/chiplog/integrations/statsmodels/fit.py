"""Watches a fit: parameters and data before it, figures, the summary and the model after it."""

from __future__ import annotations

import contextlib
import inspect
import math
import numbers
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import boosting
from chiplog.core.autolog.integration import Call, Watch
from chiplog.core.data import describe_dataset
from chiplog.integrations.statsmodels.config import StatsmodelsConfig
from chiplog.integrations.statsmodels.flavor import (
    FORMAT,
    StatsmodelsFlavor,
    is_of_time_series,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY: Final = "model_summary.txt"

#: What a result may know of how well it fits.
METRICS: Final = (
    "aic",
    "bic",
    "centered_tss",
    "condition_number",
    "df_model",
    "df_resid",
    "ess",
    "f_pvalue",
    "fvalue",
    "llf",
    "mse_model",
    "mse_resid",
    "mse_total",
    "rsquared",
    "rsquared_adj",
    "scale",
    "ssr",
    "uncentered_tss",
)


class FitWatch(Watch[StatsmodelsConfig]):
    """Watches ``fit`` and ``fit_regularized`` of a model."""

    sample: Any = None

    def before(self, call: Call) -> None:
        """Record what is fitted, how, and on what."""
        session, model = self.session, call.instance
        cls = type(model)
        with session.capture("tags"):
            session.set_tags(
                {
                    "estimator_name": cls.__name__,
                    "estimator_class": f"{cls.__module__}.{cls.__name__}",
                }
            )
        with session.capture("params") as note:
            note.count = session.log_params(boosting.as_params(_arguments(call, model)))
        features = features_of(model)
        if self.options.log_datasets:
            with session.capture("dataset") as note:
                dataset = describe_dataset(features, _endog(model))
                if dataset is None:
                    note.skip("the model does not show its data")
                else:
                    session.log_dataset(dataset, "train")
        if not is_of_time_series(model):
            self.sample = boosting.sample_of(features)

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record what the fit came to, and the result as the model."""
        session = self.session
        session.remember(result)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of figures that the user has not asked for
            self._log_outcome(result)
        if self.options.log_models and self.options.serialization_format is None:
            session.skipped(
                "model 'model'",
                "statsmodels has no format but pickle; autolog(serialization_format='pickle') "
                "stores one, which is loaded with allow_pickle=True",
            )
            return
        boosting.ModelLog(
            session,
            StatsmodelsFlavor(),
            self.options,
            FORMAT,
            {"serialization_format": self.options.serialization_format},
        ).save(result, self.sample)

    def _log_outcome(self, result: Any) -> None:
        session = self.session
        with session.capture("metrics") as note:
            note.count = session.log_metrics(metrics_of(_scratch(result)))
            if not note.count:
                note.skip("the result knows none of the figures that are recorded")
        with session.capture("model summary") as note:
            text = summary_of(_scratch(result))
            if text is None:
                note.skip(f"a {type(result).__name__} has none")
            else:
                session.log_text(text, SUMMARY)


def metrics_of(result: Any) -> dict[str, float]:
    """The figures that a result knows; what it cannot compute is left out."""
    found: dict[str, float] = {}
    for name in METRICS:
        with contextlib.suppress(Exception):
            value = getattr(result, name)
            if isinstance(value, numbers.Real) and not math.isnan(value):
                found[name] = float(value)
    return found


def summary_of(result: Any) -> str | None:
    """The table that statsmodels makes of a result, None of one that it makes none of."""
    try:
        found = result.summary()
    except (AttributeError, NotImplementedError):
        return None
    return str(found.as_text() if hasattr(found, "as_text") else found)


def features_of(model: Any) -> Any:
    """What a model's results predict from: of a formula the columns it names, else ``exog``."""
    data = getattr(model, "data", None)
    formula, frame = getattr(model, "formula", None), getattr(data, "frame", None)
    if formula is None or frame is None:
        return getattr(data, "orig_exog", None)
    words = set(re.findall(r"\w+", str(formula).partition("~")[2]))
    return frame[[name for name in frame.columns if str(name) in words]]


def _scratch(result: Any) -> Any:
    """A result that knows what the user's does, and may put its figures down in itself.

    statsmodels keeps what it has computed, in the result, its model and the model's data.
    """
    copied = _apart(getattr(result, "_results", result))
    for owner, name in ((copied, "model"), (getattr(copied, "model", None), "data")):
        if hasattr(owner, name):
            setattr(owner, name, _apart(getattr(owner, name)))
    return copied


def _apart(thing: Any) -> Any:
    """A shallow copy, but of the cache, without what pickling does to it."""
    copied = object.__new__(type(thing))
    copied.__dict__.update(vars(thing))
    if isinstance(cache := vars(copied).get("_cache"), dict):
        copied.__dict__["_cache"] = dict(cache)
    return copied


def _endog(model: Any) -> Any:
    found: Any = getattr(getattr(model, "data", None), "orig_endog", None)
    return found.to_numpy() if hasattr(found, "to_numpy") else found


def _arguments(call: Call, model: Any) -> Mapping[str, Any]:
    """The arguments of a fit by name, defaults included, and the model's formula."""
    given = call.arguments()
    for one in inspect.signature(call.function).parameters.values():
        if one.kind is one.VAR_KEYWORD:
            given |= given.pop(one.name)
    formula = getattr(model, "formula", None)
    return given if formula is None else {**given, "formula": str(formula)}
