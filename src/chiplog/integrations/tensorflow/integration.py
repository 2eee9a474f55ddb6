"""Where TensorFlow's training loops are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.autolog.integration import Integration
from chiplog.core.autolog.loop import end_loops
from chiplog.hooks.patcher import definer
from chiplog.integrations.tensorflow.config import TensorFlowConfig

if TYPE_CHECKING:
    from chiplog.core.autolog.installation import Installation


class TensorFlowIntegration(Integration):
    """Records loops with ``GradientTape``: their losses, optimizers, metrics and models."""

    name = "tensorflow"
    distribution = "tensorflow"
    versions = ">=2.18"
    modules = ("tensorflow",)
    options = TensorFlowConfig
    module = "chiplog.integrations.tensorflow.api"

    def install(self, installation: Installation) -> None:
        """Watch the tape and functions; Keras is watched when the first tape is used.

        Keras imports TensorFlow while it is being imported itself, so it may not be there yet.
        """
        import tensorflow as tf

        from chiplog.integrations.tensorflow.watcher import Watcher

        watcher = Watcher(installation)
        patcher = installation.patcher
        patcher.wrap(tf.GradientTape, "gradient", watcher.gradient)
        function = definer(type(tf.function(_nothing)), "__call__")
        if function is not None:
            patcher.wrap(function, "__call__", watcher.function)

    def uninstall(self, installation: Installation) -> None:  # noqa: ARG002
        """End the loops that go on."""
        end_loops(self.name)


def _nothing() -> None:
    """Stands for any function, to find out what ``tf.function`` makes of one."""
