"""``ChiplogCallback`` and ``ChiplogLogger`` for the Trainer of ``pytorch_lightning``."""

from __future__ import annotations

from typing import Any

from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from chiplog.integrations.lightning.callback import CallbackBody
from chiplog.integrations.lightning.logger import LoggerBody


class ChiplogCallback(CallbackBody, Callback):
    """Records a Trainer's trainings, as ``autolog()`` does, without switching anything on.

        trainer = Trainer(callbacks=[ChiplogCallback()])

    Takes the settings of :class:`~chiplog.integrations.lightning.config.LightningConfig` by name.
    """


class AutologCallback(CallbackBody, Callback):
    """Lent to a Trainer by ``autolog()`` for the time of one ``fit``."""

    state_key = "AutologCallback"  # Lightning's property, which it asks for at each step


class ChiplogLogger(LoggerBody, Logger):
    """A logger of Lightning's that records into a run of chiplog's.

        trainer = Trainer(logger=ChiplogLogger(experiment_name="digits"))

    Takes the arguments of Lightning's own ``MLFlowLogger``.
    """

    def recorder_callback(self, **options: Any) -> Callback:
        """A callback that records the steps which the Trainer hands to no logger."""
        return AutologCallback(**options)
