"""The logger: what both packages' ``ChiplogLogger`` have in common."""

from __future__ import annotations

import logging
import os
import re
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from chiplog.core import validation
from chiplog.core.autolog.destination import Destination
from chiplog.core.autolog.opening import OpenSession, open_session
from chiplog.core.client import ChiplogClient
from chiplog.core.client.artifacts import put_image, put_text
from chiplog.core.errors import ChiplogError, InvalidValue
from chiplog.core.location import project_folder
from chiplog.core.runs import ranks
from chiplog.hooks.guard import quietly
from chiplog.integrations.lightning import beginning, resuming
from chiplog.integrations.lightning.checkpoints import Follower
from chiplog.integrations.lightning.config import LightningConfig
from chiplog.integrations.lightning.content import Content
from chiplog.integrations.lightning.flatten import flattened
from chiplog.integrations.lightning.logger_run import LoggerRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.runs.active import OpenRun

_log = logging.getLogger("chiplog.lightning")
_NOT_IN_KEYS: Final = re.compile(r"[^\w/.: -]+", re.ASCII)
_STATUS: Final = {"success": "FINISHED", "finished": "FINISHED", "failed": "FAILED"}


class LoggerBody:
    """Records what Lightning hands to loggers, and the steps it does not.

    Lightning hands metrics to loggers every ``log_every_n_steps`` steps. With ``every_step`` the
    others are recorded, too: metrics of single steps at the number of optimizer steps, those of
    epochs at the number of the epoch.

    Args:
        experiment_name: the experiment; made if there is none. The active one unless given.
        run_name: the run's name.
        tracking_uri: where runs are kept; as for the rest of chiplog unless given.
        tags: tags for the run.
        save_dir: where Lightning puts checkpoints and configurations; a folder of the run's own
            below ``.chiplog/lightning`` unless given.
        log_model: True keeps with the run the checkpoints that Lightning keeps; ``"all"`` every one
            that it saves; False none. Files are hard-linked where that is possible.
        prefix: goes before the metrics' names, with a ``-``.
        artifact_location: where a new experiment's files are kept.
        run_id: a run to go on with.
        synchronous: accepted for MLflow's sake: everything is kept when a call returns.
        every_step: record the metrics of every step.

    Without any of ``experiment_name``, ``run_name``, ``tracking_uri``, ``artifact_location`` and
    ``run_id``, and inside an active run, it records into that run.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        experiment_name: str | None = None,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        tags: Mapping[str, Any] | None = None,
        save_dir: str | os.PathLike[str] | None = None,
        log_model: Literal[True, False, "all"] = True,
        prefix: str = "",
        artifact_location: str | None = None,
        run_id: str | None = None,
        synchronous: bool | None = None,  # noqa: ARG002 - MLFlowLogger's signature
        *,
        every_step: bool = True,
    ) -> None:
        super().__init__()
        if log_model not in (True, False, "all"):
            raise InvalidValue(f"log_model={log_model!r} is unknown; it is True, False or 'all'.")
        self._run = LoggerRun(
            tracking_uri, experiment_name, run_name, tags, artifact_location, run_id
        )
        self._save_dir = None if save_dir is None else os.fspath(save_dir)
        self._log_model = log_model
        self._prefix = prefix
        self._every_step = every_step
        self._waiting: list[Any] = []
        self._told: set[str] = set()
        self.followed = False
        self._forget()

    def _forget(self) -> None:
        self._client: ChiplogClient | None = None
        self._opened: OpenSession | None = None
        self._callback: Any = None
        self._trainer: weakref.ref[Any] | None = None
        self._follower: Follower | None = None

    # The run

    @property
    def experiment(self) -> Any:
        """A client for the store, as ``MLFlowLogger``'s: ``experiment.log_text(run_id, ...)``."""
        if not _is_main():
            return _Nothing()
        if self._client is None:
            self._client = ChiplogClient(self._run.store_uri)
        return self._client

    @property
    def run_id(self) -> str | None:
        """The run's id; the run begins if it has not."""
        if not _is_main():
            return None
        self._begin()
        return self._run.run_id

    @property
    def experiment_id(self) -> str | None:
        """The id of the run's experiment."""
        return self._run.experiment_id if _is_main() else None

    def open_run(self, origin: resuming.Origin | None = None) -> OpenRun:
        """The run, begun if need be: the one of a checkpoint, if this one has not begun."""
        self._run.go_on_with(origin)
        self._begin()
        return self._run.open()

    def _begin(self) -> None:
        self._run.open()
        waiting, self._waiting = self._waiting, []
        for params in waiting:
            self._write_params(params)

    # What Lightning asks

    @property
    def name(self) -> str | None:
        """The id of the run's experiment, as ``MLFlowLogger``'s; "" if that cannot be known."""
        if not _is_main():
            return None
        return quietly("Looking up the logger's experiment", lambda: self._run.experiment_id, "")

    @property
    def version(self) -> str | None:
        """The run's id, known before the run begins."""
        return self._run.run_id if _is_main() else None

    @property
    def save_dir(self) -> str | None:
        """Where Lightning puts checkpoints and configurations."""
        if self._save_dir is not None:
            return self._save_dir
        return str(Path(project_folder().value) / "lightning" / self._run.run_id)

    @property
    def root_dir(self) -> str | None:
        """The folder of the experiment below :attr:`save_dir`."""
        return os.path.join(str(self.save_dir), str(self.name))  # noqa: PTH118 - as Lightning does

    @property
    def log_dir(self) -> str | None:
        """The folder of the run below :attr:`save_dir`."""
        return os.path.join(str(self.root_dir), str(self.version))  # noqa: PTH118 - as above

    # Recording

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - Lightning's
        """Record hyperparameters: a mapping, namespace or dataclass; nested ones by ``/``.

        A value that differs from an earlier one of the same name is left out, and said.
        """
        if not _is_main():
            return
        flat = quietly("Reading hyperparameters", flattened, {}, params)
        if self._run.is_open:
            quietly("Recording hyperparameters", self._write_params, None, flat)
        else:
            self._waiting.append(flat)

    def _write_params(self, params: Mapping[str, Any]) -> None:
        writer = self._run.writer
        for key, value in params.items():
            text = str(value)[: validation.MAX_PARAM_VALUE]
            try:
                writer.log_params({self._key(str(key)): text})
            except InvalidValue as error:
                self._tell_once(f"param {key}", str(error))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Record metrics at ``step``; what is no number is left out, and said."""
        if not _is_main() or (self.followed and _is_lightning_calling()):
            return
        quietly("Recording metrics", self._write_metrics, None, metrics, step)

    def _write_metrics(self, metrics: Mapping[str, Any], step: int | None) -> None:
        self._begin()
        writer = self._run.writer
        for name, value in metrics.items():
            key = self._key(
                f"{self._prefix}{self.LOGGER_JOIN_CHAR}{name}" if self._prefix else name
            )
            try:
                writer.log_metric(key, value, step or 0)
            except InvalidValue as error:
                self._tell_once(f"metric {key}", str(error))

    def _key(self, name: str) -> str:
        """A name without what is allowed in no key."""
        try:
            return validation.check_key(name, "metric")
        except InvalidValue:
            key = _NOT_IN_KEYS.sub("", name).strip("/. ")[:250]
            self._tell_once(f"name {name}", f"{name!r} is recorded as {key!r}.")
            return key

    def log_graph(self, model: Any, input_array: Any = None) -> None:  # noqa: ARG002 - Lightning's
        """Record the module's layers; from here on its steps are followed."""
        if _is_main():
            quietly("Beginning to follow a training", self._log_graph, None, model)

    def _log_graph(self, model: Any) -> None:
        trainer = getattr(model, "_trainer", None)
        loaded = getattr(getattr(trainer, "_checkpoint_connector", None), "_loaded_checkpoint", {})
        self._run.go_on_with(resuming.read_mark(loaded or {}))
        self._begin()
        if trainer is None or not self._follow(trainer, model):
            put_text(self._run.writer, beginning.summary(model), "model_summary.txt")

    def _follow(self, trainer: Any, model: Any) -> bool:
        """Record the training's every step, unless that is done already; says whether it is."""
        from chiplog.integrations.lightning.callback import CallbackBody

        if not trainer.training:
            return False
        for callback in trainer.callbacks:
            if isinstance(callback, CallbackBody) and callback.is_recording:
                self.followed = True
                return True
        if not self._every_step:
            return False
        self._opened = open_session(
            "lightning",
            trained=model,
            what="Trainer.fit",
            config=LightningConfig(log_models=False, log_datasets=False),
            into=Destination(entry=self._run.open()),
        )
        if self._opened is None:
            return False
        self._callback = self.recorder_callback()
        self._callback.bind(self._opened.session, self._opened.session.config, self._content())
        trainer.callbacks.insert(0, self._callback)
        self._trainer = weakref.ref(trainer)
        self.followed = True
        self._callback.on_fit_start(trainer, model)
        return True

    def recorder_callback(self, **options: Any) -> Any:
        """A callback that records the steps which the Trainer hands to no logger."""
        raise NotImplementedError

    def _content(self) -> Content:
        files = {True: "kept", "all": "all"}.get(self._log_model)
        return Content(
            keeps_names=True,
            parameters=False,
            hyperparameters=False,
            model=False,
            latest=False,
            files=files,
        )

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Keep a checkpoint that was just saved."""
        if not _is_main() or not self._log_model or self.followed:
            return
        quietly("Keeping a checkpoint", self._keep, None, checkpoint_callback)

    def _keep(self, checkpoint_callback: Any) -> None:
        self._begin()
        if self._follower is None:
            self._follower = Follower(_Pen(self._run), LightningConfig(), self._content())
        self._follower.follow(checkpoint_callback)

    def log_image(
        self, key: str, images: Sequence[Any], step: int | None = None, **kwargs: Any
    ) -> None:
        """Record images under ``key``: arrays, tensors, PIL images or files.

        What is no image is left out, and said.
        """
        if not _is_main():
            return
        for image in images:
            at = kwargs.get("timestamp")
            quietly(f"Recording the image {key!r}", self._write_image, None, key, image, step, at)

    def _write_image(self, key: str, image: Any, step: int | None, timestamp: int | None) -> None:
        self._begin()
        put_image(self._run.writer, image, None, key, step or 0, timestamp)

    def log_text(self, text: str, artifact_file: str) -> None:
        """Store a text as a file of the run."""
        if _is_main():
            quietly(f"Storing {artifact_file!r}", self._write_text, None, text, artifact_file)

    def _write_text(self, text: str, artifact_file: str) -> None:
        self._begin()
        put_text(self._run.writer, text, artifact_file)

    def save(self) -> None:
        """Nothing is left to save: what was recorded is kept already."""

    def finalize(self, status: str) -> None:
        """End the run. What is recorded afterwards, such as a test, reopens it."""
        if not _is_main():
            return
        error = sys.exc_info()[1] if status == "failed" else None
        quietly("Ending the recording", self._unfollow, None, error)
        if self._waiting:
            quietly("Recording hyperparameters", self._begin, None)
        ended = _STATUS.get(status, "FAILED" if status == "aborted" else "FINISHED")
        quietly("Ending the run", self._run.end, None, ended, error)

    def _unfollow(self, error: BaseException | None) -> None:
        opened, callback = self._opened, self._callback
        trainer = self._trainer() if self._trainer is not None else None
        self._opened = self._callback = self._trainer = self._follower = None
        if opened is None:
            return
        self.followed = False
        if trainer is not None:
            trainer.callbacks[:] = [one for one in trainer.callbacks if one is not callback]
            callback.release(trainer, trainer.lightning_module, error)
        if error is None:
            opened.finish()
        else:
            opened.fail(error)

    def _tell_once(self, what: str, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning("%s", text.partition("\n")[0])

    # In other processes

    def __getstate__(self) -> dict[str, Any]:
        """What a process needs that the Trainer's launcher starts."""
        state = dict(self.__dict__)
        state.update(_client=None, _opened=None, _callback=None, _trainer=None, _follower=None)
        return state


class _Pen:
    """Lets checkpoints be followed without a session: files only, nothing is told."""

    def __init__(self, run: LoggerRun) -> None:
        self.writer = run.writer

    def log_dict(self, dictionary: Mapping[str, Any], artifact_file: str) -> None:
        from chiplog.core.client.artifacts import put_dict

        put_dict(self.writer, dict(dictionary), artifact_file)

    def defer(self, what: str, function: Any, *arguments: Any) -> None:
        quietly(f"Storing {what}", function, None, *arguments)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self.writer.set_tags(tags)

    def captured(self, what: str, count: int = 1, detail: str | None = None) -> None:
        """There is no receipt to tell it in."""

    def skipped(self, what: str, reason: str) -> None:
        """Likewise."""


class _Nothing:
    """Stands for the client in processes that record nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None  # noqa: ARG005 - whatever it is called with


def _is_main() -> bool:
    """Whether this process records: Lightning's rank 0 of those that train together."""
    core = sys.modules.get("lightning_utilities.core.rank_zero")
    rank = getattr(getattr(core, "rank_zero_only", None), "rank", None)
    return rank == 0 if isinstance(rank, int) else ranks.is_main()


def _is_lightning_calling() -> bool:
    """Whether a logger's method was called by the Trainer, not by the user."""
    frame = sys._getframe(2)  # noqa: SLF001 - Lightning says so in no other way
    for _ in range(3):
        if frame.f_globals.get("__name__", "").endswith(".logger_connector"):
            return True
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


__all__ = ["ChiplogError", "LoggerBody"]
