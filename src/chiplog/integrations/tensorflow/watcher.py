"""What is seen of a loop with ``GradientTape``, thread by thread.

These wrappers run in every step of the user's loop. They raise nothing, read nothing from a device
that training would have to wait for, and let nothing outlive the step but numbers.

A ``tf.function`` is seen while it is traced, and afterwards only from outside: which of the values
that it hands back is the loss is found out from the graph that was traced, without changing it.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import tensorflow as tf

from chiplog.core.autolog import nesting
from chiplog.core.autolog.account import account
from chiplog.core.autolog.loop import open_loop
from chiplog.core.autolog.scalars import number
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.hooks.guard import is_strict, report
from chiplog.hooks.patcher import definer
from chiplog.integrations.tensorflow.callsites import is_inside_fit, name_at, users_frame
from chiplog.integrations.tensorflow.functions import Traced, Tracing
from chiplog.integrations.tensorflow.models import find_models
from chiplog.integrations.tensorflow.training import Training, words

if TYPE_CHECKING:
    from types import FrameType

    from chiplog.core.autolog.installation import Installation

TAPE: Final = "tensorflow.GradientTape.gradient"
APPLY: Final = "keras.optimizers.Optimizer.apply"
FUNCTION: Final = "tensorflow.function"
RESULT: Final = "keras.metrics.Metric.result"

_MOST_PENDING: Final = 1000  # gradients without an optimizer
_NO_STEP: Final = "no optimizer of Keras's applies what it gives"


class _Thread(threading.local):
    """What a thread is in the middle of.

    Attributes:
        pending: names and values of the losses since the optimizer's last step; in words where it
            is no number.
        models: what those losses were found to be of.
        training: the training it records.
        tracing: what is seen of the ``tf.function`` that is being traced.
        depth: above 0 inside a ``tf.function``.
        is_applying: an optimizer is at its step.
    """

    def __init__(self) -> None:
        self.pending: list[tuple[str, Any]] = []
        self.models: list[Any] = []
        self.training: Training | None = None
        self.tracing: Tracing | None = None
        self.depth = 0
        self.is_applying = False


class Watcher:
    """Everything that is watched while autologging of TensorFlow is switched on."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._thread = _Thread()
        self._state = nesting._state  # noqa: SLF001 - asked at each call
        self._functions: WeakKeyDictionary[Any, Traced] = WeakKeyDictionary()
        self._births: WeakIdMap[int] = WeakIdMap()
        self._clock = 0
        self._failed: set[str] = set()
        self._watches_keras = False
        self._has_stepped = False

    # Around TensorFlow's and Keras's functions: (wrapped, instance, args, kwargs)

    def gradient(self, wrapped: Any, tape: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002
        """Around ``GradientTape.gradient``: its target is a loss."""
        result = wrapped(*args, **kwargs)
        if not self._is_inside():
            target = args[0] if args else kwargs.get("target")
            sources = args[1] if len(args) > 1 else kwargs.get("sources")
            self._try("losses", self._saw_gradient, target, sources, sys._getframe(1))  # noqa: SLF001
        return result

    def apply(self, wrapped: Any, optimizer: Any, args: Any, kwargs: Any) -> Any:
        """Around an optimizer's ``apply``: a step."""
        thread = self._thread
        if thread.is_applying or self._is_inside():
            return wrapped(*args, **kwargs)
        thread.is_applying = True
        try:
            result = wrapped(*args, **kwargs)
        finally:
            thread.is_applying = False
        gradients = args[0] if args else kwargs.get("grads")
        self._try("steps", self._saw_step, optimizer, gradients, sys._getframe(1))  # noqa: SLF001
        return result

    def made(self, wrapped: Any, optimizer: Any, args: Any, kwargs: Any) -> Any:
        """Around an optimizer's ``__init__``: when it was made, compared with others."""
        self._clock += 1
        self._births.set(optimizer, self._clock)
        return wrapped(*args, **kwargs)

    def function(self, wrapped: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """Around the call of a ``tf.function``."""
        thread = self._thread
        if thread.depth or self._is_inside() or not tf.executing_eagerly():
            return wrapped(*args, **kwargs)
        thread.depth, thread.tracing = 1, None
        try:
            result = wrapped(*args, **kwargs)
        finally:
            thread.depth, tracing, thread.tracing = 0, thread.tracing, None
        if tracing is not None or function in self._functions:
            self._try("functions", self._saw_function, function, tracing, result)
        return result

    def result(self, wrapped: Any, metric: Any, args: Any, kwargs: Any) -> Any:
        """Around a metric's ``result``: the user looks at it, and so does the record."""
        result = wrapped(*args, **kwargs)
        training = self._thread.training
        if training is not None and not self._is_inside() and tf.executing_eagerly():
            self._try("metrics", self._saw_result, training, metric, result)
        return result

    def watch_keras(self) -> None:
        """Watch Keras's optimizers and metrics, if Keras has been imported by now."""
        keras: Any = sys.modules.get("keras")
        if not hasattr(keras, "optimizers") or not hasattr(keras, "metrics"):
            return
        self._watches_keras = True
        patcher = self.installation.patcher
        for name, wrapper in (("apply", self.apply), ("__init__", self.made)):
            owner = definer(keras.optimizers.Optimizer, name)
            if owner is not None:
                patcher.wrap(owner, name, wrapper)
        for metric in _classes(keras.metrics.Metric):
            if metric.__module__.startswith("keras."):
                patcher.wrap(metric, "result", self.result)

    # What was seen

    def _is_inside(self) -> bool:
        state = self._state
        scope = state.scope
        return state.asleep > 0 or (scope is not None and scope.is_open)

    def _saw_gradient(self, target: Any, sources: Any, frame: FrameType | None) -> None:
        thread = self._thread
        if not self._watches_keras:
            self.watch_keras()
        users = users_frame(frame)
        if not tf.executing_eagerly():
            tracing = self._tracing()
            if tracing is not None:
                tracing.saw_loss(name_at(users, target), target)
                tracing.saw_models(users, sources)
                tracing.trains = tracing.trains or _holds_variables(sources)
            return
        if not self._has_stepped and _holds_variables(sources):
            account.unrecorded(TAPE, _NO_STEP)
        if not thread.pending:
            thread.models = []
        if users is not None and self._is_new_place(thread.training, users):
            thread.models += find_models(users, sources)
        for one in target if isinstance(target, (list, tuple)) else [target]:
            value = number(one)
            thread.pending.append((name_at(users, one), words(one) if value is None else value))
        if len(thread.pending) > _MOST_PENDING:
            del thread.pending[:-1]
            account.unrecorded(TAPE, _NO_STEP)

    def _tracing(self) -> Tracing | None:
        """What is seen of the function that is being traced, if one is."""
        thread = self._thread
        if thread.depth and thread.tracing is None:
            thread.tracing = Tracing()
        return thread.tracing

    @staticmethod
    def _is_new_place(training: Training | None, frame: FrameType) -> bool:
        """Whether models are to be looked for there: only once, since that takes a while."""
        return training is None or not training.is_open or training.is_new_place(frame)

    def _saw_step(self, optimizer: Any, gradients: Any, frame: FrameType | None) -> None:
        thread = self._thread
        if not tf.executing_eagerly():
            tracing = self._tracing()
            if tracing is not None:
                tracing.saw_optimizer(optimizer)
            return
        if not thread.pending and thread.training is None:
            return  # no tape led to it
        self._steps_are_seen()
        training = self._training_of(optimizer, frame)
        if training is None:
            thread.pending.clear()
            return
        training.take_models(thread.models)
        pending, thread.pending = thread.pending, []
        thread.models = []
        training.fired(TAPE, len(pending))
        training.fired(APPLY)
        training.stepped(optimizer, pending, gradients)

    def _saw_function(self, function: Any, tracing: Tracing | None, result: Any) -> None:
        thread = self._thread
        traced = self._functions.get(function)
        if tracing is not None:
            found = tracing.finish(function)
            if found is None:  # it computes gradients, and no optimizer in it applies them
                if tracing.trains and not self._has_stepped:
                    account.unrecorded(TAPE, _NO_STEP)
                return
            if traced is None:
                traced = self._functions[function] = found
            else:
                traced.update(found)
        if traced is None:
            return
        optimizers = traced.optimizers()
        if not optimizers:
            return
        self._steps_are_seen()
        training = self._training_of(optimizers[0], None)
        if training is None:
            return
        training.take_models(traced.models())
        training.fired(FUNCTION)
        training.function_stepped(traced, optimizers, result)
        thread.pending.clear()

    def _steps_are_seen(self) -> None:
        """Take back that nothing comes of gradients: they lead to an optimizer's step."""
        if not self._has_stepped:
            self._has_stepped = True
            account.recorded_after_all(TAPE)

    def _saw_result(self, training: Training, metric: Any, result: Any) -> None:
        if not training.is_open:
            self._thread.training = None
            return
        training.fired(RESULT)
        training.measured(metric, result)

    def _training_of(self, optimizer: Any, frame: FrameType | None) -> Training | None:
        """The training that an optimizer belongs to; a new one if it is another's."""
        thread = self._thread
        training = thread.training
        if training is not None and training.is_open:
            if training.has(optimizer):
                return training
            if (self._births.get(optimizer) or 0) <= training.born:
                training.add(optimizer, name_at(users_frame(frame), optimizer, "optimizer"))
                return training
            training.loop.end()
        thread.training = None
        if is_inside_fit(sys._getframe(1)):  # noqa: SLF001 - to see who calls
            return None  # Keras's own, for which its autologging is there, and is switched off
        config: Any = self.installation.config
        fresh = Training(config, self._clock)
        with nesting.awake():  # it was put to sleep for our own work
            loop = open_loop("tensorflow", "GradientTape loop", ending=fresh.ending)
        if loop is None:
            return None
        fresh.opened(loop)
        thread.training = fresh
        fresh.add(optimizer, name_at(users_frame(frame), optimizer, "optimizer"))
        return fresh

    # What may go wrong

    def _try(self, what: str, function: Any, *arguments: Any) -> None:
        if what in self._failed:
            return
        state, training = self._state, self._thread.training
        state.asleep += 1
        try:
            if training is not None and training.is_open:
                with training.loop.session.spending(what):
                    function(*arguments)
            else:
                function(*arguments)
        except Exception as error:
            self._went_wrong(what, error)
        finally:
            state.asleep -= 1

    def _went_wrong(self, what: str, error: Exception) -> None:
        self._failed.add(what)
        training = self._thread.training
        if training is not None and training.is_open:
            training.loop.session.degraded(what, f"{type(error).__name__}: {error}")
        else:
            account.unrecorded(TAPE, f"{type(error).__name__}: {error}")
        if is_strict():
            raise error
        if not self.installation.config.silent:
            report(f"Recording {what} of a GradientTape loop", error)


def _holds_variables(sources: Any) -> bool:
    """Whether gradients of ``sources`` may be meant to change variables, as training does."""
    if isinstance(sources, dict):
        sources = list(sources.values())
    if isinstance(sources, (list, tuple)):
        return any(_holds_variables(one) for one in sources)
    return hasattr(sources, "assign")


def _classes(kind: Any) -> set[Any]:
    found = {kind}
    for below in kind.__subclasses__():
        found |= _classes(below)
    return found
