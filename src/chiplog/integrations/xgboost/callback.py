"""Records evaluation results as XGBoost trains, through its own callbacks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from xgboost.callback import TrainingCallback
from xgboost.core import XGBoostError

from chiplog.core.autolog.boosting import PointLog, metric_key

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession


class IterationRecorder(TrainingCallback):
    """Records every evaluation result of every iteration. Keeps neither model nor data.

    Attributes:
        points: what was recorded.
        history: the results so far, by data set and metric, as XGBoost keeps them.
        before: how many rounds the model had before this training.
    """

    def __init__(self, session: TrainingSession) -> None:
        super().__init__()
        self.points = PointLog(session)
        self.history: dict[str, dict[str, list[Any]]] = {}
        self.before = 0
        self._keys: dict[tuple[str, str], str] = {}
        self._record = session.callback("evaluation results", self._record_iteration)
        self._begin = session.callback("the beginning of training", self._see_beginning)

    def before_training(self, model: Any) -> Any:
        """Note how many rounds were there; the model goes back untouched."""
        self._begin(model)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        """Record this iteration's results; never asks to stop."""
        self._record(epoch, evals_log)
        return False

    def _see_beginning(self, model: Any) -> None:
        with contextlib.suppress(XGBoostError):  # of its settings: training raises it
            self.before = model.num_boosted_rounds()

    def _record_iteration(self, iteration: int, history: Any) -> None:
        points, keys = self.points, self._keys
        self.history = history
        if not points.begin(iteration):
            return
        for data, metrics in history.items():
            for metric, values in metrics.items():
                key = keys.get((data, metric))
                if key is None:
                    key = keys[data, metric] = metric_key(data, metric)
                value = values[-1]
                if type(value) is tuple:  # of a cross-validation: mean and deviation
                    points.add(f"{key}-mean", value[0], iteration)
                    points.add(f"{key}-std", value[1], iteration)
                else:
                    points.add(key, value, iteration)

    def catch_up(self) -> None:
        """Record a last iteration that another callback ended before this one was asked.

        XGBoost up to 3.1 asks callbacks in any order, and none after one that ends training.
        """
        curves = [values for metrics in self.history.values() for values in metrics.values()]
        rounds = max(map(len, curves), default=0)
        if rounds > self.points.rounds:
            self._record(self.points.last + 1, self.history)

    def results_at(self, index: int) -> dict[str, Any]:
        """The results of the iteration at that place, counted from 0; empty if there is none."""
        found: dict[str, Any] = {}
        for data, metrics in self.history.items():
            for metric, values in metrics.items():
                if not 0 <= index < len(values):
                    continue
                key, value = metric_key(data, metric), values[index]
                if isinstance(value, tuple):
                    found[f"{key}-mean"], found[f"{key}-std"] = value
                else:
                    found[key] = value
        return found
