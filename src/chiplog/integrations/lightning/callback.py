"""The callback that records a training: what both packages' ``ChiplogCallback`` have in common."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import engine
from chiplog.core.autolog.destination import Destination
from chiplog.core.autolog.installation import INSTALLED
from chiplog.core.autolog.opening import OpenSession, open_session
from chiplog.hooks.guard import quietly
from chiplog.integrations.lightning import beginning, resuming, workers
from chiplog.integrations.lightning.config import LightningConfig
from chiplog.integrations.lightning.content import Content
from chiplog.integrations.lightning.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.autolog.session_run import SessionRun
    from chiplog.core.runs.inherit import InheritedRun

UNUSED: Final = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_validation_batch_start",
)
"""Hooks of each batch with nothing to do. Lightning passes over what is no function, which costs
nothing; calling an empty hook takes it several microseconds."""


class CallbackBody:
    """Records one ``Trainer.fit`` after the other. Mixed into a ``Callback`` of Lightning's."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = LightningConfig(**options)
        self._content = Content(model=self.options.log_models, latest=self.options.checkpoint)
        self._opened: OpenSession | None = None
        self._trained: SessionRun | None = None
        self._recorder: Recorder | None = None
        self._ticket: InheritedRun | None = None
        self._origin: resuming.Origin | None = None
        self._pid = os.getpid()
        self._calls: dict[str, Callable[..., Any]] = {}
        self._leave_out_unused()

    def _leave_out_unused(self) -> None:
        for name in UNUSED:
            if getattr(type(self), name) is getattr(self._plain(), name):
                self.__dict__[name] = None

    @classmethod
    def _plain(cls) -> type:
        """Lightning's own class that this one is made from."""
        return next(
            base for base in cls.__mro__ if base.__name__ == "Callback" and base is not CallbackBody
        )

    # Where it records

    @property
    def is_recording(self) -> bool:
        """Whether a training is being recorded now."""
        return self._recorder is not None

    def bind(self, session: TrainingSession, options: LightningConfig, content: Content) -> None:
        """Record into a session that somebody else opened and ends."""
        self._set(Recorder(session, options, content))
        self._ticket = workers.ticket(session)

    def release(self, trainer: Any, module: Any, error: BaseException | None) -> None:
        """Record the end of what :meth:`bind` began."""
        recorder, self._ticket = self._forget(), None
        if recorder is not None:
            workers.merge(recorder.session)
            recorder.conclude(trainer, module, error)

    def _set(self, recorder: Recorder) -> None:
        self._recorder = recorder
        wrap = recorder.session.callback
        self._calls = {name: wrap(what, getattr(recorder, name)) for name, what in _PARTS.items()}
        self._calls["train_begins"] = wrap("beginning of the training", self._begin_steps)

    def _begin_steps(self, trainer: Any, module: Any) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        recorder.train_begins(trainer, module)
        step = recorder.session.callback(_STEPS, recorder.step_hook())
        self._calls["step"] = step
        if type(self).on_train_batch_end is CallbackBody.on_train_batch_end:
            self.__dict__[_STEP_HOOK] = step  # saves Lightning a detour at each step

    def _forget(self) -> Recorder | None:
        """Record nothing any more; hands back what recorded."""
        recorder, self._recorder = self._recorder, None
        self._calls = {}
        self.__dict__.pop(_STEP_HOOK, None)
        return recorder

    def _call(self, name: str, *arguments: Any) -> None:
        function = self._calls.get(name)
        if function is not None:
            function(*arguments)

    # Lightning's hooks

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002 - Lightning's
        """See which run the training goes on with."""
        self._origin = resuming.read_mark(checkpoint)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Open a session, if nobody has, and record what is known before training."""
        if self._recorder is None and trainer.is_global_zero:
            quietly("Recording the training", self._open, None, trainer, pl_module)
        self._call("begin", trainer, pl_module)

    def _open(self, trainer: Any, module: Any) -> None:
        if self._ticket is not None:
            session = workers.join(self._ticket, self.options)
            self._set(Recorder(session, self.options, workers.content(self._content)))
            return
        from chiplog.integrations.lightning.destinations import logger_of

        logger = logger_of(trainer)
        into = None
        if logger is not None:
            into = Destination(entry=logger.open_run(self._origin))
        elif self._origin is not None:
            into = Destination(run_id=self._origin.run_id, store_uri=self._origin.store_uri)
        self._opened = open_session(
            "lightning", trained=module, what="Trainer.fit", config=self.options, into=into
        )
        if self._opened is not None:
            beginning.record_first(self._opened.session, trainer)
            self._set(Recorder(self._opened.session, self.options, self._content))

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to look at what is logged."""
        self._call("train_begins", trainer, pl_module)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Record what the last epoch came to."""
        self._call("epoch_begins", trainer)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record a step."""
        function = self._calls.get("step")
        if function is not None:
            function(trainer, pl_module, outputs, batch, batch_idx)

    def on_validation_batch_end(self, trainer: Any, *arguments: Any, **named: Any) -> None:  # noqa: ARG002 - Lightning's
        """Record what a validation batch logged by itself."""
        self._call("check", trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Record a validation."""
        self._call("validation_ends", trainer)
        self._evaluated(trainer, "validate")

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Add what a test measured to the run of the training."""
        self._evaluated(trainer, "test")

    def _evaluated(self, trainer: Any, name: str) -> None:
        """Record an evaluation outside of training, if neither autologging nor a logger does."""
        run = self._trained
        if run is None or self._recorder is not None or not trainer.is_global_zero:
            return
        from chiplog.integrations.lightning.destinations import logger_of
        from chiplog.integrations.lightning.evaluation import add_evaluation, numbers_of

        known = engine.installation("lightning")
        if (known is None or known.state != INSTALLED) and logger_of(trainer) is None:
            metrics = numbers_of(trainer.callback_metrics)
            what = f"Recording Trainer.{name}"
            quietly(what, add_evaluation, None, run, name, metrics, int(trainer.current_epoch))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Note that an epoch ends."""
        self._call("epoch_ends", trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Record the last epoch."""
        self._call("train_ends", trainer)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002 - Lightning's
        """Let the checkpoint say which run it belongs to."""
        self._call("saves", trainer, checkpoint)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Everything has been saved by now."""
        self._call("fit_ends", trainer)
        if self._ticket is not None and os.getpid() != self._pid:
            quietly("Handing over what was recorded", self._hand_over, None, trainer, pl_module)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """End the session that this callback opened."""
        if stage == "fit":
            self._close(trainer, pl_module, None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """End the session that this callback opened: training raised."""
        self._call("broke", trainer, exception)
        if self._ticket is not None and os.getpid() != self._pid:
            quietly("Handing over what was recorded", self._hand_over, None, trainer, pl_module)
        self._close(trainer, pl_module, exception)

    def _close(self, trainer: Any, module: Any, error: BaseException | None) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        self._trained = opened.session.run
        recorder, self._origin = self._forget(), None
        if recorder is not None:
            quietly("Recording the end", recorder.conclude, None, trainer, module, error)
        if error is None:
            opened.finish()
        else:
            opened.fail(error)

    def _hand_over(self, trainer: Any, module: Any) -> None:
        """In a process that the launcher started: the one that started it goes on from here."""
        recorder = self._forget()
        if recorder is not None:
            recorder.conclude(trainer, module, None)
            workers.leave(recorder.session)

    # In other processes

    def __getstate__(self) -> dict[str, Any]:
        """What a process needs that the Trainer's launcher starts."""
        state = dict(self.__dict__)
        state.update(_opened=None, _trained=None, _recorder=None, _calls={})
        state.pop(_STEP_HOOK, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy that records nothing of what this one is in."""
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__getstate__(), _ticket=None)
        memo[id(self)] = copy
        return copy


_STEPS: Final = "metrics of steps"
_STEP_HOOK: Final = "on_train_batch_end"
_PARTS: Final = {
    "begin": "settings of the training",
    "epoch_begins": "metrics of epochs",
    "check": "metrics of validation steps",
    "validation_ends": "metrics of validations",
    "epoch_ends": "ends of epochs",
    "train_ends": "metrics of the last epoch",
    "saves": "marks in checkpoints",
    "fit_ends": "checkpoints",
    "broke": "cause of the end",
}
