"""The made-up framework's integration, as a third party would publish it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.config import AutologConfig
from chiplog.core.autolog.integration import Call, Integration, Point, Watch
from chiplog.core.errors import InvalidValue
from chiplog.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.installation import Installation


@dataclass(frozen=True, kw_only=True)
class TinyConfig(AutologConfig):
    """Settings of the made-up framework."""

    log_models: bool = True
    max_trainers: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_trainers < 0:
            raise InvalidValue(f"max_trainers={self.max_trainers!r} is negative; give 0 or more.")


class FitWatch(Watch[TinyConfig]):
    """Records a fit."""

    def before(self, call: Call) -> None:
        with self.session.capture("params") as note:
            note.count = self.session.log_params(call.instance.get_params())
        self.session.set_tags({"class": type(call.instance).__name__})

    def after(self, call: Call, result: Any) -> None:
        with self.session.capture("metrics"):
            self.session.log_metrics({"learnt": getattr(call.instance, "learnt_", 0.0)})
        self.session.log_text("a summary", "summary.txt")


class StepWatch(FitWatch):
    """Records training in steps."""

    @classmethod
    def continues(cls, call: Call) -> object:
        return call.instance

    def before(self, call: Call) -> None:
        if self.session.step == 0:
            super().before(call)

    def after(self, call: Call, result: Any) -> None:
        self.session.log_metric("total", call.instance.total_, self.session.step)


class TrainWatch(Watch[TinyConfig]):
    """Records training by a function, through a callback of the framework's own kind."""

    def before(self, call: Call) -> None:
        self.session.log_params(call.argument("params"))

        def log(step: int, loss: float) -> None:
            self.session.log_metric("loss", loss, step)

        call.kwargs["callbacks"] = (*call.kwargs.get("callbacks", ()), log)


class TinyIntegration(Integration):
    """Records the made-up framework."""

    name = "tiny"
    distribution = "tinyframe"
    versions = ">=1,<2"
    modules = ("tinyframe",)
    options = TinyConfig

    def points(self) -> Iterable[Point]:
        tiny = sys.modules["tinyframe"]
        yield Point(tiny.Trainer, "fit", FitWatch)
        yield Point(tiny.Search, "fit", FitWatch)
        yield Point(tiny.Stepper, "partial_fit", StepWatch)
        yield Point(tiny, "train", TrainWatch)
        yield Point(tiny.Trainer, "no_such_method", FitWatch)
        yield Point(tiny.Trainer, "trained", uncaptured="it is made by a classmethod")

    def install(self, installation: Installation) -> None:
        def predicted(call: Call, result: Any) -> None:
            run = installation.run_of(call.instance)
            if run is not None:
                run.writer.log_metric("predictions", len(result))

        tiny = sys.modules["tinyframe"]
        installation.watch(Point(tiny.Trainer, "predict", observer=predicted))


@hookimpl
def chiplog_instrumentors() -> list[Integration]:
    """Record the made-up framework."""
    return [TinyIntegration()]
