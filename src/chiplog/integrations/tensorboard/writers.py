"""Watches the writers of TensorBoard's files, and finds the run of each value."""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting
from chiplog.core.runs import active
from chiplog.integrations.tensorboard.recording import (
    Recording,
    recording_into,
    recording_of_its_own,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation

#: Who writes what its own integration records anyway, by the first part of the module's name.
_RECORDED: Final = {"lightning": "lightning", "pytorch_lightning": "lightning", "keras": "keras"}
_SUMMARY: Final = ("tensorflow._api.v2.summary", "tensorflow._api.v2.compat.v2.summary")
_LABELS: Final = {
    "add": "FileWriter.add_summary",
    "add_scalars": "SummaryWriter.add_scalars",
    "add_hparams": "SummaryWriter.add_hparams",
    "leave": "tf.summary",
}
#: What ``tf.summary`` writes beside scalars.
_LEFT_TO_TENSORFLOW: Final = ("audio", "histogram", "image", "text")
_OWN: Final = (
    "torch.utils.tensorboard",
    "tensorboardX",
    "wrapt",
    "chiplog.",
    "tensorboard.",
    "tensorflow.",
)


class _Now(threading.local):
    """What a writer's method of this thread is doing.

    Attributes:
        exact: the number being written, which its file holds with fewer digits.
        handled: the method records by itself what it writes.
    """

    exact: float | None = None
    handled = False


class Writers:
    """Watches writers for one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._now = _Now()
        self._recordings: dict[str, Recording] = {}
        self._runs: weakref.WeakKeyDictionary[Any, Recording] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()

    def watch(self, module: ModuleType) -> None:
        """Watch the writers that the package of ``module`` offers."""
        patcher = self._installation.patcher
        writer = getattr(module, "SummaryWriter", None)
        files = getattr(module, "FileWriter", None)
        if writer is None or files is None:
            return
        patcher.wrap(files, "add_summary", self._around_add_summary)
        for name, around in (
            ("add_scalar", self._around_add_scalar),
            ("add_scalars", self._around_add_scalars),
            ("add_hparams", self._around_add_hparams),
            ("close", self._around_close),
        ):
            patcher.wrap(writer, name, around)

    def watch_tensorflow(self, module: ModuleType) -> None:
        """Watch ``tf.summary``'s functions, which ``module`` defines, wherever they are."""
        patcher = self._installation.patcher
        offered = [sys.modules[name] for name in _SUMMARY if name in sys.modules]
        around: dict[str, Callable[..., Any]] = {"scalar": self._around_tensorflow_scalar}
        around |= dict.fromkeys(_LEFT_TO_TENSORFLOW, self._around_tensorflow_other)
        for name, wrapper in around.items():
            function = vars(module).get(name)
            if function is not None:
                patcher.wrap(module, name, wrapper)
                patcher.wrap_functions({function: wrapper}, offered)

    # Around the writers' methods

    def _around_add_summary(
        self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any
    ) -> Any:
        result = wrapped(*args, **kwargs)
        if not self._now.handled:
            given = _named(("summary", "global_step", "walltime"), args, kwargs)
            self._record(
                instance,
                "add",
                given.get("summary"),
                self._now.exact,
                given.get("global_step"),
                given.get("walltime"),
            )
        return result

    def _around_add_scalar(
        self,
        wrapped: Callable[..., Any],
        instance: Any,  # noqa: ARG002 - wrapt's signature
        args: Any,
        kwargs: Any,
    ) -> Any:
        value = args[1] if len(args) > 1 else kwargs.get("scalar_value")
        now = self._now
        # A tensor is read by the writer, once; what it read is in the file.
        before, now.exact = now.exact, float(value) if isinstance(value, (float, int)) else None
        try:
            return wrapped(*args, **kwargs)
        finally:
            now.exact = before

    def _around_add_scalars(
        self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any
    ) -> Any:
        with self._handled():
            result = wrapped(*args, **kwargs)
        given = _named(("main_tag", "tag_scalar_dict", "global_step", "walltime"), args, kwargs)
        self._record(
            instance,
            "add_scalars",
            given.get("tag_scalar_dict") or {},
            f"{given.get('main_tag')}/",
            given.get("global_step"),
            given.get("walltime"),
        )
        return result

    def _around_add_hparams(
        self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any
    ) -> Any:
        with self._handled():
            result = wrapped(*args, **kwargs)
        names = ("hparam_dict", "metric_dict", "hparam_domain_discrete", "run_name", "global_step")
        given = _named(names, args, kwargs)
        self._record(
            instance,
            "add_hparams",
            given.get("hparam_dict") or {},
            given.get("metric_dict") or {},
            given.get("global_step"),
        )
        return result

    def _around_tensorflow_scalar(
        self,
        wrapped: Callable[..., Any],
        instance: Any,  # noqa: ARG002 - wrapt's signature
        args: Any,
        kwargs: Any,
    ) -> Any:
        written = wrapped(*args, **kwargs)
        given = _named(("name", "data", "step"), args, kwargs)
        # In a graph nothing is written yet; without a writer nothing is at all.
        if hasattr(written, "numpy") and not nesting.is_suspended():
            self._guarded(self._see_step, given, written)
            if "step" in given:
                self._record(self, "add_scalars", {given["name"]: given["data"]}, "", given["step"])
        return written

    def _around_tensorflow_other(
        self,
        wrapped: Callable[..., Any],
        instance: Any,  # noqa: ARG002 - wrapt's signature
        args: Any,
        kwargs: Any,
    ) -> Any:
        written = wrapped(*args, **kwargs)
        if hasattr(written, "numpy") and not nesting.is_suspended():
            given = _named(("name",), args, kwargs)
            self._guarded(self._see_step, given, written)
            if "step" in given:
                self._record(self, "leave", wrapped.__name__, given["name"])
        return written

    @staticmethod
    def _see_step(given: dict[str, Any], written: Any) -> None:
        """Put in the step that TensorFlow took; take it out if nothing was written."""
        step = given.pop("step", None)
        if step is None:
            step = sys.modules["tensorflow"].summary.experimental.get_step()
        if step is not None and bool(written):
            given["step"] = int(step)

    def _around_close(
        self, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any
    ) -> Any:
        result = wrapped(*args, **kwargs)
        if not self._now.handled:
            self._guarded(self._closed, instance)
        return result

    @contextlib.contextmanager
    def _handled(self) -> Iterator[None]:
        """The writers that a method uses inside are not looked at."""
        now = self._now
        before, now.handled = now.handled, True
        try:
            yield
        finally:
            now.handled = before

    # Where it goes

    def _record(self, writer: Any, what: str, *arguments: Any) -> None:
        if nesting.is_suspended():
            return
        is_inside = nesting.current_scope() is not None
        recorder = _recorded_by(sys._getframe(2)) if is_inside else None  # noqa: SLF001 - to see who writes
        recording = self._known(writer)
        if recording is None:
            if recorder is not None and active.current() is None:
                return  # there is no run here that it could be missed in
            self._guarded(self._find, writer)
            recording = self._runs.get(writer)
            if recording is None:
                return
        if recorder is not None:
            recording.left_to(recorder)
            return
        label = _LABELS[what]
        recording.fired[label] = recording.fired.get(label, 0) + 1
        getattr(recording, what)(*arguments)

    def _known(self, writer: Any) -> Recording | None:
        """Where this writer's last value went, if the next one goes there too."""
        recording = self._runs.get(writer)
        if recording is None:
            return None
        current = active.current()
        if current is recording.entry or (current is None and recording.is_open):
            return recording
        return None

    def _find(self, writer: Any) -> None:
        installation, current = self._installation, active.current()
        self._runs.pop(writer, None)
        if current is not None and installation.config.exclusive and not current.takes_in:
            return
        with self._lock:
            if current is None:
                recording = recording_of_its_own(installation)
            else:
                run_id = current.run.info.run_id
                known = self._recordings.get(run_id)
                fits = known is not None and known.entry is current
                recording = known if known and fits else recording_into(installation, current)
            self._recordings[recording.entry.run.info.run_id] = recording
        self._runs[writer] = recording

    def _closed(self, writer: Any) -> None:
        """A writer is done: so is its run, if that was made for writers and none is left."""
        files = getattr(writer, "file_writer", None)
        mine = [one for one in (writer, files) if one is not None and one in self._runs]
        found = {id(one): one for one in (self._runs.pop(each) for each in mine)}
        if not found and len(self._runs) == 0:
            found = {id(one): one for one in self._recordings.values()}
        left = {id(one) for one in self._runs.values()}
        for recording in found.values():
            if id(recording) in left:
                continue
            recording.finish()
            if recording.is_own and not recording.has_training:
                recording.end()
                self._recordings.pop(recording.entry.run.info.run_id, None)

    def end(self) -> None:
        """End what is left: the integration is taken out."""
        recordings, self._recordings = list(self._recordings.values()), {}
        for recording in recordings:
            if recording.is_open:
                recording.finish()
            recording.end()

    def _guarded(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._installation.guarded("Taking along what TensorBoard is given", function, *arguments)


def _recorded_by(frame: Any) -> str | None:
    """The framework that writes, if what it writes is recorded by an integration of its own."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_OWN):
            return _RECORDED.get(module.partition(".")[0])
        frame = frame.f_back
    return None


def _named(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**dict(zip(names, args, strict=False)), **kwargs}
