"""What ``evaluate`` measures on a trained model is recorded on the run it was trained in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.integrations.keras.data import FitData

if TYPE_CHECKING:
    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.integration import Call
    from chiplog.core.autolog.session_run import SessionRun

UNKNOWN = "unknown_dataset"


class Evaluations:
    """Observes ``evaluate`` outside of training.

    The keys are ``<metric>_<data>``: ``loss_x_test``, and ``loss-2_x_test`` for the second
    evaluation on data of that name.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._logs_datasets = bool(getattr(installation.config, "log_datasets", True))

    def evaluated(self, call: Call, result: Any) -> None:
        """Record the metrics of an evaluation."""
        run = self._installation.run_of(call.instance)
        if run is None:
            return
        found = result if isinstance(result, dict) else _by_name(call.instance, result)
        if not found:
            return
        features = call.argument("x")
        name = call.name_of(features) or UNKNOWN
        counts = run.memory.setdefault("evaluations", {})
        counts[name] = times = counts.get(name, 0) + 1
        number = "" if times == 1 else f"-{times}"
        for key, value in found.items():
            if isinstance(value, (int, float)):
                run.writer.log_metric(f"{key}{number}_{name}", value)
        if self._logs_datasets and times == 1:
            _log_dataset(run, FitData(features, call.argument("y")))


def _by_name(model: Any, result: Any) -> dict[str, float]:
    """What ``evaluate`` handed back, by the metrics' names."""
    values = result if isinstance(result, (list, tuple)) else [result]
    known = model.get_metrics_result()
    named = {
        name: float(value)
        for name, value in known.items()
        if not isinstance(value, dict) and getattr(value, "ndim", 0) == 0
    }
    if len(named) != len(values) and len(values) == 1:
        return {"loss": float(values[0])}
    return named


def _log_dataset(run: SessionRun, data: FitData) -> None:
    from chiplog.core.entities import DatasetInput
    from chiplog.core.runs.writer import dataset_tags

    described = data.describe()
    if described is not None:
        run.writer.log_inputs([DatasetInput(described, dataset_tags("eval", None))])
