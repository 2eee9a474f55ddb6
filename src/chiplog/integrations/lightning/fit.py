"""Watches ``Trainer.fit``: lends the Trainer a callback for the time of the call."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.integration import Call, Watch
from chiplog.integrations.lightning import beginning, destinations, packages, resuming, workers
from chiplog.integrations.lightning.config import LightningConfig
from chiplog.integrations.lightning.content import Content

if TYPE_CHECKING:
    from chiplog.core.autolog.destination import Destination
    from chiplog.integrations.lightning.callback import CallbackBody


class FitWatch(Watch[LightningConfig]):
    """Records a training through a callback, and takes the callback away again."""

    callback: CallbackBody | None = None
    lent_to: Any = None

    @classmethod
    def wants(cls, call: Call, options: LightningConfig) -> bool:  # noqa: ARG003 - the contract
        """Whether this is a training, and not a tuner's trial of rates or batch sizes."""
        trainer = call.instance
        if trainer is None or isinstance(trainer, type) or not hasattr(trainer, "callbacks"):
            return False
        return not any(getattr(one, "_early_exit", False) for one in trainer.callbacks)

    @classmethod
    def destination(cls, call: Call) -> Destination | None:
        """The run of the user's logger, or of the checkpoint that training goes on from."""
        return destinations.destination(call)

    def before(self, call: Call) -> None:
        """Lend the Trainer a callback, unless the user's own is there to do it."""
        trainer = call.instance
        content = Content()
        logger = destinations.logger_of(trainer)
        if logger is not None:
            content = dataclasses.replace(content, keeps_names=True, hyperparameters=False)
            logger.followed = True
        self.callback = destinations.callback_of(trainer)
        options = self.options
        if self.callback is None:
            self.callback = packages.classes(packages.package_of(trainer)).AutologCallback()
            self.lent_to = trainer.callbacks
            _put_in(trainer, self.callback)
        else:
            options = self.callback.options
        self.callback.bind(self.session, options, content)
        if _starts_processes(trainer):
            self.session.run.memory[workers.DOCUMENT] = True
        beginning.record_first(self.session, trainer)
        self._compare_origin(call)

    def _compare_origin(self, call: Call) -> None:
        origin = resuming.origin_of(resuming.path_of(call.instance, call.argument("ckpt_path")))
        if origin is not None and origin.run_id != self.session.run_id:
            self.session.skipped(
                "run of the checkpoint",
                f"training went on from a checkpoint of run {origin.run_id}, in a run of its own",
            )

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002 - the contract
        """Take the callback away, and record what training came to."""
        self._end(call, None)

    def failed(self, call: Call, error: BaseException) -> None:
        """Take the callback away, and record what there is."""
        self._end(call, error)

    def _end(self, call: Call, error: BaseException | None) -> None:
        trainer, callback = call.instance, self.callback
        if callback is None:
            return
        if self.lent_to is not None:
            _take_out(trainer, callback, self.lent_to)
        module = trainer.lightning_module
        if module is not None:
            self.session.remember(module)
        callback.release(trainer, module, error)
        logger = destinations.logger_of(trainer)
        if logger is not None:
            logger.followed = False


def _put_in(trainer: Any, callback: Any) -> None:
    """Before the first ModelCheckpoint: metrics are recorded before weights are saved."""
    saving = {id(one) for one in trainer.checkpoint_callbacks}
    callbacks = trainer.callbacks
    where = next((i for i, one in enumerate(callbacks) if id(one) in saving), len(callbacks))
    callbacks.insert(where, callback)


def _take_out(trainer: Any, callback: Any, lent_to: list[Any]) -> None:
    for callbacks in (lent_to, trainer.callbacks):
        callbacks[:] = [one for one in callbacks if one is not callback]


def _starts_processes(trainer: Any) -> bool:
    """Whether the training runs in processes that the strategy starts and joins."""
    launcher = getattr(trainer.strategy, "launcher", None)
    return hasattr(launcher, "_start_method")
