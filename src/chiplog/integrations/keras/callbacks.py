"""``ChiplogCallback``: what records a single ``fit`` without autologging, and without patches."""

from __future__ import annotations

import inspect
import sys
import weakref
from typing import TYPE_CHECKING, Any

import keras

from chiplog.core import background
from chiplog.core.autolog import engine, nesting
from chiplog.core.autolog.config import AUTOLOGGING_TAG
from chiplog.core.autolog.integration import Call
from chiplog.core.autolog.loop import open_loop
from chiplog.hooks.guard import is_strict, report
from chiplog.integrations.keras.config import KerasConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from chiplog.core.autolog.loop import LoopSession
    from chiplog.integrations.keras.fit import FitWatch


class Unfinished(RuntimeError):
    """A ``fit`` that ended without saying so to its callbacks: it raised, or was interrupted."""


class ChiplogCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Records the ``fit`` it is given to, as autologging would: ``fit(…, callbacks=[callback])``.

    Takes the settings of ``chiplog.keras.autolog()`` by name. It may be given to several fits.
    While autologging is on it adds nothing: the fit is recorded once, with autologging's settings,
    and the receipt says so.

    Keras does not tell callbacks of an exception. A fit that raised is noticed when what it left
    behind is gone: its run is FAILED then, or at the program's end with the exception itself.
    """

    async_safe = True

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.config = KerasConfig(**settings)
        self._recording: Recording | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin a run, unless a training that is recorded already goes on."""
        self._end(Unfinished("fit() did not come to its end"))
        if nesting.is_watching():
            self._guarded(self._begin, sys._getframe(1))  # noqa: SLF001 - to see what fit() was given
            self._tell("on_train_begin", logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Tell the recording."""
        self._tell("on_epoch_begin", epoch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell the recording."""
        self._tell("on_train_batch_end", batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Tell the recording."""
        self._tell("on_test_begin", logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Tell the recording."""
        self._tell("on_test_end", logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tell the recording."""
        self._tell("on_epoch_end", epoch, logs)

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        """Record the model and end the run."""
        self._end(None)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_recording": None}

    def _begin(self, frame: FrameType | None) -> None:
        model: Any = self.model
        call, told = _call_of_fit(frame, model)
        if call is not None:
            self._recording = Recording.begin(self, call, told)

    def _tell(self, event: str, *arguments: Any) -> None:
        recording = self._recording
        if recording is not None and recording.recorder is not None:
            getattr(recording.recorder, event)(*arguments)

    def _end(self, error: BaseException | None) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            self._guarded(recording.end, error)

    def _guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception as error:
            if is_strict():
                raise
            if not self.config.silent:
                report("Recording with ChiplogCallback", error)


class Recording:
    """One fit that a callback records."""

    def __init__(self, loop: LoopSession, watch: FitWatch, call: Call) -> None:
        self.loop = loop
        self._watch = watch
        self._call = call

    @property
    def recorder(self) -> Any:
        """What is told of the fit's events."""
        return self._watch.recorder

    @classmethod
    def begin(cls, callback: ChiplogCallback, call: Call, told: Any) -> Recording | None:
        """Open the run and record what is known before training; None if it is not to be."""
        from chiplog.integrations.keras.fit import FitWatch

        loop = open_loop("keras", "fit", ending=_nothing, config=callback.config)
        if loop is None:
            return None
        installation = engine.installation_for("keras", callback.config)
        installation.configured_by = "keras"
        if loop.session.run.created:  # its names are Keras's, whatever the backend
            loop.session.set_tags({AUTOLOGGING_TAG: "keras"})
        watch = FitWatch(loop.session, callback.config, installation)
        with nesting.suspended():
            watch.before(call)
        if watch.recorder is not None:
            watch.recorder.set_model(call.instance)
            watch.recorder.set_params(callback.params)
        if told is not None:
            gone = weakref.finalize(told, _left_behind, loop, weakref.ref(callback))
            gone.atexit = False  # the loop ends with the program by itself
        return cls(loop, watch, call)

    def end(self, error: BaseException | None) -> None:
        """Record what training came to, and end the run."""
        with nesting.suspended():
            try:
                if error is None:
                    self._watch.after(self._call, None)
                else:
                    self._watch.failed(self._call, error)
            finally:
                self.loop.end(error)


def flat(callbacks: Any) -> Iterator[Any]:
    """Every callback in what was given as ``callbacks``."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    if isinstance(callbacks, (list, tuple)):
        for callback in callbacks:
            yield from flat(callback)
    elif callbacks is not None:
        yield callbacks


def explicit_callback(callbacks: Any) -> ChiplogCallback | None:
    """The :class:`ChiplogCallback` among callbacks."""
    return next((found for found in flat(callbacks) if isinstance(found, ChiplogCallback)), None)


def _call_of_fit(frame: FrameType | None, model: Any) -> tuple[Call | None, Any]:
    """The call of ``fit`` that goes on, and what tells its callbacks: seen in the callers' frames.

    The snapshots that looking at a function's variables leaves are emptied, or they would keep data
    alive as long as the function runs.
    """
    told: Any = None
    names = inspect.signature(model.fit).parameters
    while frame is not None:
        code, module = frame.f_code, str(frame.f_globals.get("__name__", ""))
        if module.startswith("keras.") and code.co_name in {"on_train_begin", "fit"}:
            own = frame.f_locals
            seen = dict(own)
            if sys.version_info < (3, 13):
                own.clear()
            if code.co_name == "on_train_begin":
                told = seen.get("self")
            elif id(seen.get("self")) == id(model):
                given = {name: seen[name] for name in names if name in seen}
                return Call(model.fit, model, (), given, "fit"), told
        frame = frame.f_back
    return None, None


def _left_behind(loop: LoopSession, callback: weakref.ref[ChiplogCallback]) -> None:
    """What told a fit's callbacks is gone. May be called in the middle of anything."""
    if loop.is_open:
        owner = callback()
        if owner is not None and owner._recording is not None and owner._recording.loop is loop:  # noqa: SLF001 - of this module
            owner._recording = None  # noqa: SLF001 - as above
        background.defer(
            loop.end,
            Unfinished("fit() did not come to its end: it raised, or was interrupted"),
            failed=lambda error: report("Ending a fit's run", error),
        )


def _nothing(error: BaseException | None) -> None:
    """What is left is recorded by the recording itself."""
