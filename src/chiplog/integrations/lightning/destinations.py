"""Which run a ``Trainer.fit`` is recorded into, if something in the Trainer says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.destination import Destination
from chiplog.integrations.lightning import resuming
from chiplog.integrations.lightning.callback import CallbackBody
from chiplog.integrations.lightning.logger import LoggerBody

if TYPE_CHECKING:
    from chiplog.core.autolog.integration import Call


def logger_of(trainer: Any) -> LoggerBody | None:
    """The user's ``ChiplogLogger``, if the trainer has one."""
    return next((one for one in trainer.loggers if isinstance(one, LoggerBody)), None)


def callback_of(trainer: Any) -> CallbackBody | None:
    """The user's ``ChiplogCallback``, if the trainer has one."""
    return next((one for one in trainer.callbacks if isinstance(one, CallbackBody)), None)


def destination(call: Call) -> Destination | None:
    """The run of the user's logger, or of the checkpoint that training goes on from."""
    trainer = call.instance
    origin = resuming.origin_of(resuming.path_of(trainer, call.argument("ckpt_path")))
    logger = logger_of(trainer)
    if logger is not None:
        return Destination(entry=logger.open_run(origin))
    if origin is not None:
        return Destination(run_id=origin.run_id, store_uri=origin.store_uri)
    return None
