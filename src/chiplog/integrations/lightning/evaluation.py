"""Watches ``validate``, ``test`` and ``predict``: what they measure belongs to what was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting
from chiplog.core.autolog.opening import open_session
from chiplog.core.autolog.receipt import Captured, Omission
from chiplog.core.autolog.scalars import Backlog, number
from chiplog.core.runs import ranks
from chiplog.integrations.lightning.destinations import logger_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.receipt import Receipt
    from chiplog.core.autolog.session_run import SessionRun

_MODES: Final = {"test": "testing"}


class Evaluations:
    """Records the metrics of evaluations into the run of the module, else into one of their own."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def watch(self, trainer: type) -> None:
        """Watch the evaluations of one package's Trainer."""
        for name in ("validate", "test", "predict"):
            self._installation.patcher.wrap(trainer, name, self._around)

    def _around(
        self, wrapped: Callable[..., Any], trainer: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        if not nesting.is_watching():
            return wrapped(*args, **kwargs)
        scope = nesting.Scope()  # what Lightning gives its loggers meanwhile is recorded here
        outer = nesting.enter(scope)
        try:
            result = wrapped(*args, **kwargs)  # the user's own call: once, unguarded
        finally:
            nesting.leave(scope, outer)
        name = wrapped.__name__
        if ranks.is_main():
            record = self._record
            self._installation.guarded(f"Recording Trainer.{name}", record, trainer, name, result)
        return result

    def _record(self, trainer: Any, name: str, result: Any) -> None:
        module = trainer.lightning_module
        run = self._installation.run_of(module) if module is not None else None
        if name == "predict":
            self._tell_of_predictions(run)
            return
        if module is None or logger_of(trainer) is not None:
            return  # the logger was given the metrics
        metrics = numbers_of({k: v for of_loader in result or () for k, v in of_loader.items()})
        if run is not None:
            add_evaluation(run, name, metrics, int(trainer.current_epoch))
            return
        with nesting.awake():
            opened = open_session("lightning", trained=module, what=f"Trainer.{name}")
        if opened is not None:
            with opened:
                session = opened.session
                session.captured("metrics", session.log_metrics(metrics))
                if name in _MODES:
                    session.set_tags({"Mode": _MODES[name]})

    def _tell_of_predictions(self, run: SessionRun | None) -> None:
        told = "Trainer.predict"
        receipt = _receipt_of(run)
        if run is None or receipt is None:
            return
        if all(entry.what != told for entry in receipt.skipped):
            receipt.skipped.append(Omission(told, "predictions are the caller's alone"))
            run.attach_receipt()


def numbers_of(logged: Mapping[str, Any]) -> dict[str, float]:
    """Those of the values that are numbers; waits for the device they lie on."""
    found: dict[str, float] = {}

    def take(key: str, value: float, step: int, timestamp: int) -> None:  # noqa: ARG001 - Backlog's
        found[key] = value

    backlog = Backlog(take)
    for key, value in logged.items():
        read = number(value)
        if read is not None:
            backlog.add(key, read, 0)
    backlog.flush()
    return found


def add_evaluation(run: SessionRun, name: str, metrics: dict[str, float], epoch: int) -> None:
    """Add what ``Trainer.<name>`` measured to the run of what was trained."""
    run.writer.log_metrics(metrics, epoch)
    if name in _MODES:
        run.writer.set_tags({"Mode": _MODES[name]})
    receipt = _receipt_of(run)
    if receipt is not None:
        receipt.captured.append(Captured(f"metrics of Trainer.{name}", len(metrics)))
        run.attach_receipt()


def _receipt_of(run: SessionRun | None) -> Receipt | None:
    """The receipt of the last training of Lightning's in a run."""
    sessions = run.document.sessions if run is not None else ()
    return next((one for one in reversed(sessions) if one.integration == "lightning"), None)
