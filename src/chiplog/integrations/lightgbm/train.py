"""Watches ``lightgbm.train`` and ``lightgbm.cv``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import boosting
from chiplog.core.autolog.integration import Call, Watch
from chiplog.integrations.lightgbm.callback import IterationRecorder, result_key
from chiplog.integrations.lightgbm.config import LightGBMConfig
from chiplog.integrations.lightgbm.data import describe, sample_of_dataset
from chiplog.integrations.lightgbm.flavor import LightGBMFlavor

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession

_OBJECTS: Final = frozenset(
    {
        "params",
        "train_set",
        "valid_sets",
        "valid_names",
        "fobj",
        "feval",
        "init_model",
        "learning_rates",
        "callbacks",
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

    def __init__(self, session: TrainingSession, options: LightGBMConfig) -> None:
        self.session = session
        self.options = options
        self.recorder = IterationRecorder(session)
        self._untold: list[tuple[Any, str | None, str]] = []

    def begin(self, call: Call, more: dict[str, Any] | None = None) -> None:
        """Record parameters and data sets, and put the callback in.

        ``more`` are parameters that are recorded too, unless the call has them.
        """
        session = self.session
        names, defaults = _parameters(call.function)
        given = boosting.arguments_of(call, names, defaults)
        with session.capture("params") as note:
            booster = boosting.as_params(given.get("params") or {})
            rest = boosting.as_params(given, without=_OBJECTS)
            note.count = session.log_params({**(more or {}), **rest, **booster})
        if self.options.log_datasets:
            self._log_datasets([(given.get("train_set"), None, "train"), *_evaluated(given)])
        if given.get("init_model") is not None:
            session.captured("continued training", detail="goes on with a model given to it")
        boosting.add_callback(call, names, self.recorder)

    def _log_datasets(self, datasets: list[tuple[Any, str | None, str]]) -> None:
        """Record what can be told of data sets by now; the others again after training."""
        told = 0
        with self.session.capture("dataset") as note:
            for dataset, name, context in datasets:
                entity = describe(dataset, name)
                if entity is None:
                    self._untold.append((dataset, name, context))
                else:
                    self.session.log_dataset(entity, context)
                    told += 1
            note.count = told
            note.is_preparation = told == 0

    def end(self, booster: Any) -> None:
        """Record how far training came, and the importance of the features."""
        self.stop()
        session = self.session
        with session.capture("rounds"):
            session.log_metrics({"num_boosted_rounds": booster.current_iteration()})
        if booster.best_iteration > 0:
            results = {
                result_key(data, metric): value
                for data, metrics in booster.best_score.items()
                for metric, value in metrics.items()
            }
            self._log_stop(booster.best_iteration, results)
        names = booster.feature_name()
        for kind in ("split", "gain"):
            values = booster.feature_importance(importance_type=kind).tolist()
            boosting.log_importance(session, kind, dict(zip(names, values, strict=True)))

    def end_of_cv(self, results: Any) -> None:
        """Record how far a cross-validation came; what it hands back ends at its best round."""
        self.stop()
        columns = {key: values for key, values in results.items() if isinstance(values, list)}
        kept = len(next(iter(columns.values()), ()))
        if 0 < kept < self.recorder.points.rounds:
            self._log_stop(
                kept,
                {
                    boosting.metric_key(*key.split(" ", 1)): values[-1]
                    for key, values in columns.items()
                    if " " in key
                },
            )

    def stop(self) -> None:
        """Tell which results were recorded, and of the data what can be told now."""
        self.recorder.points.tell("no data to evaluate on was given")
        untold, self._untold = self._untold, []
        if untold:
            self._log_datasets(untold)
        if self._untold:
            self.session.skipped("dataset", "it was read by LightGBM itself")

    def _log_stop(self, best: int, results: dict[str, Any]) -> None:
        end = self.recorder.points.last + 1
        boosting.log_early_stopping(self.session, best, end, end, results)


class TrainWatch(Watch[LightGBMConfig]):
    """Watches ``lightgbm.train``."""

    training: Training
    sample: Any = None

    def before(self, call: Call) -> None:
        """Record parameters and data; put the callback in; keep the first rows."""
        self.training = Training(self.session, self.options)
        self.training.begin(call)
        self.sample = sample_of_dataset(call.argument("train_set"))

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record what training came to, and the model."""
        self.training.end(result)
        model_log(self.session, self.options, "text").save(result, self.sample)

    def failed(self, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Tell what was recorded until then."""
        self.training.stop()


class CrossValidationWatch(Watch[LightGBMConfig]):
    """Watches ``lightgbm.cv``: the mean and deviation over the folds at each iteration."""

    training: Training

    def before(self, call: Call) -> None:
        """Record parameters and data; put the callback in."""
        self.training = Training(self.session, self.options)
        self.training.begin(call)

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record how far it came. There is no model of a cross-validation."""
        self.training.end_of_cv(result)
        if self.options.log_models:
            self.session.skipped("model 'model'", "a cross-validation trains one model per fold")

    def failed(self, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Tell what was recorded until then."""
        self.training.stop()


def model_log(session: TrainingSession, options: LightGBMConfig, form: str) -> boosting.ModelLog:
    """What saves the model as the settings say."""
    return boosting.ModelLog(session, LightGBMFlavor(), options, form)


def _evaluated(given: dict[str, Any]) -> list[tuple[Any, str | None, str]]:
    """The data sets to evaluate on, with the names LightGBM gives them."""
    sets, names = given.get("valid_sets"), given.get("valid_names")
    if sets is None:
        return []
    sets = list(sets) if isinstance(sets, (list, tuple)) else [sets]
    names = [names] if isinstance(names, str) else list(names or ())
    default = {id(given.get("train_set")): "training"}
    return [
        (dataset, names[at] if at < len(names) else default.get(id(dataset), f"valid_{at}"), "eval")
        for at, dataset in enumerate(sets)
    ]
