"""What is measured on a trained model afterwards: scores, and metrics of its predictions."""

from __future__ import annotations

import json
import numbers
import sys
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from chiplog.core import background
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.core.data import describe_dataset
from chiplog.core.entities import DatasetInput
from chiplog.core.runs.writer import dataset_tags
from chiplog.hooks.guard import report

if TYPE_CHECKING:
    from types import FrameType

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.integration import Call
    from chiplog.core.autolog.session_run import SessionRun

INFO: Final = "metric_info.json"
UNKNOWN: Final = "unknown_dataset"

_MAX_DATASETS: Final = 20
_MAX_TEXT: Final = 100


@dataclass
class Measured:
    """What a run remembers of what was measured on its model.

    Attributes:
        keys: how often each metric of each data set was computed.
        calls: each metric's call, as it was written.
        datasets: the data sets met under each name.
    """

    keys: dict[str, int] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    datasets: dict[str, list[Any]] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Prediction:
    """Where a result came from: the run of the model, and the name of the data."""

    run: SessionRun
    dataset: str


class PostTraining:
    """Watches predictions, scores and metrics of models trained in this process.

    Keeps results by weak reference only: a result that is gone is forgotten.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._results: WeakIdMap[Prediction] = WeakIdMap()

    def predicted(self, call: Call, result: Any) -> None:
        """Remember a result of ``predict`` and its like; record the data it is of."""
        run = self._installation.run_of(call.instance)
        frame = _caller()
        if run is None or frame is None:
            return
        data = call.args[0] if call.args else call.kwargs.get("X")
        name = self._dataset(run, frame, data)
        self._results.set(result, Prediction(run, name))

    def scored(self, call: Call, result: Any) -> None:
        """Record what ``score`` gave."""
        run = self._installation.run_of(call.instance)
        frame = _caller()
        if run is None or frame is None or not _is_number(result):
            return
        data = call.args[0] if call.args else call.kwargs.get("X")
        name = self._dataset(run, frame, data)
        _record(run, f"{type(call.instance).__name__}_score", name, result, _written(frame, call))

    def measured(self, call: Call, result: Any) -> None:
        """Record what a metric function gave, if it was given a prediction that is remembered."""
        if not self._results or not _is_number(result):
            return
        for argument in (*call.args, *call.kwargs.values()):
            prediction = self._results.get(argument)
            if prediction is not None:
                frame = _caller()
                if frame is not None:
                    written = _written(frame, call)
                    _record(prediction.run, call.name, prediction.dataset, result, written)
                return

    def _dataset(self, run: SessionRun, frame: FrameType, data: Any) -> str:
        """The name of the data, numbered if other data came under it before; records it once."""
        name = _name_in(frame, data) or UNKNOWN
        memory = _memory(run)
        with memory.lock:
            known = memory.datasets.setdefault(name, [])
            for number, reference in enumerate(known, 1):
                if reference() is data:
                    return name if number == 1 else f"{name}-{number}"
            if len(known) < _MAX_DATASETS:
                known.append(_reference(data))
                self._log_dataset(run, memory, data)
            number = len(known)
        return name if number == 1 else f"{name}-{number}"

    def _log_dataset(self, run: SessionRun, memory: Measured, data: Any) -> None:
        if not getattr(self._installation.config, "log_datasets", False):
            return
        dataset = describe_dataset(data)
        if dataset is not None and dataset.digest not in memory.digests:
            memory.digests.add(dataset.digest)
            run.writer.log_inputs([DatasetInput(dataset, dataset_tags("eval", None))])


def _memory(run: SessionRun) -> Measured:
    memory: Measured = run.memory.setdefault("post-training", Measured())
    return memory


def _reference(data: Any) -> Any:
    """A weak reference to data, where it takes one; else one that leads nowhere."""
    try:
        return weakref.ref(data)
    except TypeError:
        return _nothing


def _nothing() -> object:
    return _nothing


def _record(run: SessionRun, function: str, dataset: str, value: Any, written: str) -> None:
    memory = _memory(run)
    with memory.lock:
        base = f"{function}_{dataset}"
        count = memory.keys[base] = memory.keys.get(base, 0) + 1
        key = base if count == 1 else f"{function}-{count}_{dataset}"
        memory.calls[key] = written
        body = json.dumps(memory.calls, indent=2).encode()
    run.writer.log_metric(key, float(value))
    background.defer(_put, run, body, failed=_report)


def _put(run: SessionRun, body: bytes) -> None:
    run.writer.artifacts.put_bytes(body, INFO)


def _report(error: Exception) -> None:
    report(f"Writing {INFO}", error)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _caller() -> FrameType | None:
    """The user's frame that made the watched call; None if scikit-learn made it itself."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to the caller
    while frame is not None:
        root = frame.f_globals.get("__name__", "").partition(".")[0]
        if root in {"sklearn", "joblib", "imblearn"}:
            return None
        if root not in {"chiplog", "wrapt"}:
            return frame
        frame = frame.f_back
    return None


def _name_in(frame: FrameType, value: Any) -> str | None:
    """The name under which a frame knows a value."""
    for scope in (frame.f_locals, frame.f_globals):
        for name, held in list(scope.items()):
            if held is value and not name.startswith("__"):
                return name
    return None


def _written(frame: FrameType, call: Call) -> str:
    """The call in words, such as ``accuracy_score(y_true=y, y_pred=p)``."""
    try:
        given = call.arguments()
    except (TypeError, ValueError):
        given = {}
    shown: list[str] = []
    for name, value in given.items():
        if name in call.kwargs or len(shown) < len(call.args):
            shown.append(f"{name}={_name_in(frame, value) or _short(value)}")
    owner = "" if call.instance is None else f"{type(call.instance).__name__}."
    return f"{owner}{call.name}({', '.join(shown)})"


def _short(value: Any) -> str:
    if isinstance(value, (str, int, float, bool, type(None))):
        return repr(value)[:_MAX_TEXT]
    return type(value).__name__
