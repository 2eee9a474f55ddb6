"""Watches ``fit`` and ``train``: parameters before, curves, importance and the model after."""

from __future__ import annotations

from typing import Any

from chiplog.plugins import (
    Call,
    ModelContent,
    ModelEntry,
    ModelSignature,
    Watch,
    infer_signature,
)

from chiplog_catboost.config import CatBoostConfig
from chiplog_catboost.data import Rows, record_data
from chiplog_catboost.flavor import CatBoostFlavor
from chiplog_catboost.importance import draw_importance
from chiplog_catboost.names import curves, metric_key


class FitWatch(Watch[CatBoostConfig]):
    """Watches ``fit`` of an estimator."""

    rows: Rows
    is_live = False
    period = 1  # of iterations whose metrics CatBoost computes

    def before(self, call: Call) -> None:
        """Record the parameters as far as they are given, and the data."""
        with self.session.capture("params") as note:
            given = {**call.instance.get_params(), **_given(call)}
            note.count = self.session.log_params(_readable(given))
        self.session.set_tags({"estimator_class": _full_name(call.instance)})
        self.rows = record_data(self.session, call, self.options)
        given_period = call.argument("metric_period") or call.instance.get_params().get(
            "metric_period"
        )
        self.period = int(given_period or 1)
        self._follow(call)

    def after(self, call: Call, result: Any) -> None:
        """Record what training came to."""
        self.record(call.instance)

    def record(self, model: Any) -> None:
        """Record curves, the best iteration, importance and the model itself."""
        session = self.session
        with session.capture("params it was trained with") as note:
            known = model.get_params()
            trained = {k: v for k, v in model.get_all_params().items() if k not in known}
            note.count = session.log_params(_readable(trained))
        if not self.is_live:
            with session.capture("metrics of every iteration") as note:
                note.count = self._record_curves(model)
        with session.capture("best iteration") as note:
            best = _best(model)
            note.count = session.log_metrics(best)
            if not best:
                note.skip("nothing was evaluated")
        with session.capture("feature importance") as note:
            self._record_importance(model)
        if self.options.log_models:
            self._save(model)

    def _follow(self, call: Call) -> None:
        """Have each iteration told, if the user asked for it or has a callback anyway."""
        theirs = call.kwargs.get("callbacks")
        if not self.options.live_metrics and not theirs:
            self.session.skipped(
                "live metrics",
                "a model trained with a callback cannot be trained further after it was saved; "
                "live_metrics=True records them, and they are recorded after training otherwise",
            )
            return
        if call.instance.get_params().get("task_type") == "GPU":
            self.session.skipped("live metrics", "CatBoost calls nobody back on a GPU")
            return
        call.kwargs["callbacks"] = [*(theirs or ()), Follower(self)]
        self.is_live = True

    def _record_curves(self, model: Any) -> int:
        log, count = self.session.log_metric, 0
        last = int(model.get_all_params()["iterations"]) - 1
        for key, values in curves(model.get_evals_result() or {}):
            for index, value in enumerate(values):
                log(key, value, min(index * self.period, last))
            count += len(values)
        return count

    def _record_importance(self, model: Any) -> None:
        values = model.get_feature_importance()
        scores = {n: float(v) for n, v in zip(model.feature_names_, values, strict=True)}
        self.session.log_dict(scores, "feature_importance.json")
        self.session.log_figure("feature_importance.png", draw_importance, scores)

    def _save(self, model: Any) -> None:
        with self.session.capture("model") as note:
            signature = None
            if self.rows.inputs is not None:
                outputs = infer_signature(None, model.predict(self.rows.rows)).outputs
                signature = ModelSignature(self.rows.inputs, outputs)
            example = self.rows.rows if self.options.log_input_examples else None
            content = ModelContent(model, signature, example)
            info = self.session.log_model(CatBoostFlavor(), content, ModelEntry("model"))
            note.detail = str(info.model_uri)


class TrainWatch(FitWatch):
    """Watches the function ``catboost.train``, which hands back the model it made."""

    def before(self, call: Call) -> None:
        """Record the parameters and the data."""
        with self.session.capture("params") as note:
            given = {**(call.argument("params") or {}), **_given(call)}
            note.count = self.session.log_params(_readable(given))
        period = (call.argument("params") or {}).get("metric_period")
        self.period = int(call.argument("metric_period") or period or 1)
        self.rows = record_data(self.session, call, self.options)

    def after(self, call: Call, result: Any) -> None:
        """Record what training came to."""
        self.record(result)


class Follower:
    """The callback that is added: CatBoost calls it after each iteration."""

    def __init__(self, watch: FitWatch) -> None:
        log = watch.session.log_metric
        known: dict[str, int] = {}

        def told(info: Any) -> None:
            step = info.iteration - 1  # CatBoost counts from 1 here
            for key, values in curves(info.metrics):
                if len(values) > known.get(key, 0):  # not computed at every iteration
                    known[key] = len(values)
                    log(key, values[-1], step)

        self._told = watch.session.callback("metrics of every iteration", told)

    def after_iteration(self, info: Any) -> bool:
        """Record the iteration's metrics; True lets the training go on."""
        self._told(info)
        return True


def _given(call: Call) -> dict[str, Any]:
    """The settings among the call's arguments."""
    names = ("iterations", "num_boost_round", "early_stopping_rounds", "use_best_model")
    found = {name: call.argument(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _readable(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they are recorded: of functions and objects, what they are."""
    plain = (str, int, float, bool, list, tuple, dict, type(None))
    return {
        name: value if isinstance(value, plain) else _full_name(value)
        for name, value in params.items()
    }


def _full_name(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _best(model: Any) -> dict[str, Any]:
    best: dict[str, Any] = {}
    if model.best_iteration_ is not None:
        best["best_iteration"] = model.best_iteration_
    for data, scores in (model.best_score_ or {}).items():
        best.update({f"best_{metric_key(data, name)}": v for name, v in scores.items()})
    return best
