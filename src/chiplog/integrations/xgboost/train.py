"""Watches ``xgboost.train`` and ``xgboost.cv``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import boosting
from chiplog.core.autolog.integration import Call, Watch
from chiplog.integrations.xgboost.callback import IterationRecorder
from chiplog.integrations.xgboost.config import XGBoostConfig
from chiplog.integrations.xgboost.data import describe_matrix, sample_of_matrix
from chiplog.integrations.xgboost.flavor import XGBoostFlavor

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.autolog.session import TrainingSession

_OBJECTS: Final = frozenset(
    {
        "params",
        "dtrain",
        "evals",
        "obj",
        "feval",
        "evals_result",
        "xgb_model",
        "callbacks",
        "learning_rates",
        "folds",
        "fpreproc",
    }
)

_parameters = functools.lru_cache(maxsize=16)(boosting.parameters)


class Training:
    """One call of ``train`` or ``cv`` as it is recorded, by whichever watch saw it begin.

    Attributes:
        recorder: the callback that went in.
    """

    def __init__(self, session: TrainingSession, options: XGBoostConfig) -> None:
        self.session = session
        self.options = options
        self.recorder = IterationRecorder(session)
        self._stops_early = False

    def begin(self, call: Call, more: dict[str, Any] | None = None) -> None:
        """Record parameters and data sets, and put the callback in.

        ``more`` are parameters that are recorded too, unless the call has them.
        """
        session = self.session
        names, defaults = _parameters(_plain(call.function))
        given = boosting.arguments_of(call, names, defaults)
        with session.capture("params") as note:
            booster = _booster_params(given.get("params"))
            rest = boosting.as_params(given, without=_OBJECTS)
            note.count = session.log_params({**(more or {}), **rest, **booster})
        if self.options.log_datasets:
            self._log_datasets(given)
        if given.get("xgb_model") is not None:
            session.captured("continued training", detail="goes on with a model given to it")
        self._stops_early = bool(given.get("early_stopping_rounds")) or any(
            type(callback).__name__ == "EarlyStopping" for callback in given.get("callbacks") or ()
        )
        boosting.add_callback(call, names, self.recorder)

    def _log_datasets(self, given: dict[str, Any]) -> None:
        with self.session.capture("dataset") as note:
            self.session.log_dataset(describe_matrix(given["dtrain"]), "train")
            for matrix, name in given.get("evals") or ():
                self.session.log_dataset(describe_matrix(matrix, name), "eval")
                note.count = (note.count or 1) + 1

    def end(self, booster: Any) -> None:
        """Record how far training came, and the importance of the features."""
        self.stop()
        session = self.session
        with session.capture("rounds"):
            metrics = {"num_boosted_rounds": booster.num_boosted_rounds()}
            if self._stops_early and booster.attr("best_score") is not None:
                metrics["best_score"] = float(booster.attr("best_score"))
            session.log_metrics(metrics)
        best = booster.attr("best_iteration")
        if self._stops_early and best is not None:
            self._log_stop(int(best))
        for kind in self.options.importance_types or ():
            with session.capture(f"importance {kind!r}") as note:
                note.is_preparation = True
                scores = _scores(booster, kind)
                if scores is None:
                    note.skip("this kind of booster does not have it")
                else:
                    boosting.log_importance(session, kind, scores)

    def end_of_cv(self, results: Any) -> None:
        """Record how far a cross-validation came; what it hands back ends at its best round."""
        self.stop()
        column = next(iter(results), None)
        if self._stops_early and column is not None:
            self._log_stop(len(results[column]) - 1)

    def stop(self) -> None:
        """Tell which results were recorded."""
        self.recorder.catch_up()
        given = self.recorder.history or not self.recorder.points.rounds
        self.recorder.points.tell("none came" if given else "no data to evaluate on was given")

    def _log_stop(self, best: int) -> None:
        points = self.recorder.points
        results = self.recorder.results_at(best - self.recorder.before)
        boosting.log_early_stopping(self.session, best, points.last, points.last + 1, results)


class TrainWatch(Watch[XGBoostConfig]):
    """Watches ``xgboost.train``."""

    training: Training
    sample: Any = None

    def before(self, call: Call) -> None:
        """Record parameters and data; put the callback in; keep the first rows."""
        self.training = Training(self.session, self.options)
        self.training.begin(call)
        self.sample = sample_of_matrix(call.argument("dtrain"))

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record what training came to, and the model."""
        self.training.end(result)
        model_log(self.session, self.options).save(result, self.sample)

    def failed(self, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Tell what was recorded until then."""
        self.training.stop()


class CrossValidationWatch(Watch[XGBoostConfig]):
    """Watches ``xgboost.cv``: the mean and deviation over the folds at each iteration."""

    training: Training

    def before(self, call: Call) -> None:
        """Record parameters and data; put the callback in."""
        self.training = Training(self.session, self.options)
        self.training.begin(call)

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record how far it came. There is no model of a cross-validation."""
        self.training.end_of_cv(result)
        if self.options.log_models:
            self.session.skipped("model 'model'", "a cross-validation hands back no model")

    def failed(self, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Tell what was recorded until then."""
        self.training.stop()


def model_log(session: TrainingSession, options: XGBoostConfig) -> boosting.ModelLog:
    """What saves the model as the settings say."""
    chosen = options.model_format
    return boosting.ModelLog(
        session, XGBoostFlavor(), options, chosen, save_options={"model_format": chosen}
    )


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return getattr(function, "__wrapped__", function)


def _booster_params(params: Any) -> dict[str, Any]:
    """The booster's parameters; as pairs, a metric may come several times."""
    if not isinstance(params, (list, tuple)):
        return boosting.as_params(params or {})
    found: dict[str, Any] = {}
    for key, value in params:
        if key == "eval_metric" and key in found:
            before = found[key]
            found[key] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[key] = value
    return boosting.as_params(found)


def _scores(booster: Any, kind: str) -> dict[str, Any] | None:
    """The importance of each feature that is used; None if this booster does not tell."""
    from xgboost.core import XGBoostError

    try:
        scores: dict[str, Any] = booster.get_score(importance_type=kind)
    except (XGBoostError, ValueError):  # linear boosters have weights only
        return None
    return scores
