"""Watches training in steps: every ``partial_fit`` of an estimator goes on in one run."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.integration import Call, Watch
from chiplog.integrations.sklearn.config import SklearnConfig
from chiplog.integrations.sklearn.data import TrainingData, generators_untouched
from chiplog.integrations.sklearn.fit import FitWatch, log_beginning
from chiplog.integrations.sklearn.training import evaluate

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession

# Measuring a batch costs a prediction. So many seconds of it are free; beyond, it is done as long
# as it takes less than this share of the training itself.
_FREE_SECONDS: Final = 1.0
_SHARE: Final = 0.1


class StepWatch(Watch[SklearnConfig]):
    """Watches ``partial_fit``: metrics of each batch, by step."""

    data: TrainingData
    began: float = 0.0

    @classmethod
    def wants(cls, call: Call, options: SklearnConfig) -> bool:
        """As for a fit."""
        return FitWatch.wants(call, options)

    @classmethod
    def continues(cls, call: Call) -> object | None:
        """The estimator: its further batches go on in the same run."""
        estimator: object = call.instance
        return estimator

    def before(self, call: Call) -> None:
        """Record tags, parameters and the first batch's data set, at the first step."""
        self.data = TrainingData.of(call)
        if self.session.step == 0:
            log_beginning(self.session, call.instance, self.data, self.options)
            if self.options.log_models:
                self.session.skipped(
                    "model",
                    "partial_fit changes it with every call; when it is done, log it with "
                    "chiplog.sklearn.log_model()",
                )
        self.began = perf_counter()

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record metrics of the batch."""
        ended = perf_counter()
        spent = _times(self.session)
        spent["training"] += ended - self.began
        if spent["measuring"] > max(_FREE_SECONDS, _SHARE * spent["training"]):
            self._skip_once()
            return
        with generators_untouched(call.instance):
            outcome = evaluate(call.instance, self.data, self.options.pos_label, draw=False)
        self.session.log_metrics(outcome.metrics, self.session.step)
        if self.session.step == 0:
            self.session.captured("metrics by step", len(outcome.metrics))
            for what, reason in outcome.missing.items():
                self.session.skipped(what, reason)
        spent["measuring"] += perf_counter() - ended

    def _skip_once(self) -> None:
        memory = self.session.run.memory
        if "steps skipped" not in memory:
            memory["steps skipped"] = self.session.step
            self.session.degraded(
                "metrics by step",
                f"from step {self.session.step} on some steps are left out: measuring them took "
                f"more than {_SHARE:.0%} of the training time",
            )


def _times(session: TrainingSession) -> dict[str, float]:
    times: dict[str, float] = session.run.memory.setdefault(
        "partial_fit times", {"training": 0.0, "measuring": 0.0}
    )
    return times
