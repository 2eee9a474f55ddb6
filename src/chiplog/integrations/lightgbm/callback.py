"""Records evaluation results as LightGBM trains, through its own callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.boosting import PointLog, metric_key

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession

_FIRST: Final = -(10**9)  # LightGBM calls callbacks in this order; its own begin at 10


class IterationRecorder:
    """Records every evaluation result of every iteration. Keeps neither model nor data.

    Attributes:
        points: what was recorded.
        order, before_iteration: what LightGBM asks of a callback.
    """

    def __init__(self, session: TrainingSession) -> None:
        self.order = _FIRST
        self.before_iteration = False
        self.points = PointLog(session)
        self._keys: dict[tuple[str, str], str] = {}
        self._record = session.callback("evaluation results", self._record_iteration)

    def __call__(self, env: Any) -> None:
        """Record this iteration's results; never asks to stop."""
        self._record(env.iteration, env.evaluation_result_list)

    def _record_iteration(self, iteration: int, results: Any) -> None:
        points, keys = self.points, self._keys
        if not points.begin(iteration):
            return
        for result in results or ():
            name = result[0], result[1]
            key = keys.get(name)
            if key is None:
                key = keys[name] = result_key(*name)
            if len(result) > 4:  # of a cross-validation: mean and deviation
                points.add(f"{key}-mean", result[2], iteration)
                points.add(f"{key}-stdv", result[4], iteration)
            else:
                points.add(key, result[2], iteration)


def result_key(data: str, metric: str) -> str:
    """The name of a result. A cross-validation's data set was part of the metric before 4.7."""
    if data == "cv_agg":
        data, _, metric = metric.partition(" ")
    return metric_key(data, metric)
