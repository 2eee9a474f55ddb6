"""Which writers of TensorBoard's files are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from chiplog.core.autolog.integration import Integration
from chiplog.integrations.tensorboard.config import TensorBoardConfig

if TYPE_CHECKING:
    from chiplog.core.autolog.installation import Installation
    from chiplog.integrations.tensorboard.writers import Writers


class TensorBoardIntegration(Integration):
    """Takes along what ``torch.utils.tensorboard`` and ``tensorboardX`` write.

    Scalars and hyperparameters become metrics and params, histograms curves of their shape, texts
    and pictures files: in the active run, which is that of a training that goes on, or else in a
    run of their own that ends with the writer. The event files are as they would be.
    """

    name = "tensorboard"
    distribution = "tensorboard"
    versions = ">=2.10"
    modules: ClassVar[tuple[str, ...]] = ("torch.utils.tensorboard.writer", "tensorboardX.writer")
    options = TensorBoardConfig
    module = "chiplog.integrations.tensorboard.api"

    def __init__(self) -> None:
        self._writers: Writers | None = None

    def install(self, installation: Installation) -> None:
        """Watch the writers of each package that is there."""
        from chiplog.integrations.tensorboard.writers import Writers

        writers = self._writers = Writers(installation)
        for name in self.modules:
            self.watch(installation, writers, name)

    def watch(self, installation: Installation, writers: Writers, module: str) -> None:
        """Watch what ``module`` defines once it is imported."""
        installation.on_import(module, writers.watch)

    def uninstall(self, installation: Installation) -> None:  # noqa: ARG002
        """End the runs that were made for writers."""
        writers, self._writers = self._writers, None
        if writers is not None:
            writers.end()


class TensorFlowSummaryIntegration(TensorBoardIntegration):
    """Takes along the scalars that ``tf.summary`` writes.

    An integration of its own because torch's writer imports TensorFlow where it is installed: what
    waits for both would find the writer half imported.
    """

    name = "tf_summary"
    distribution = "tensorflow"
    versions = ">=2.18"
    modules = ("tensorflow.python.summary.tb_summary",)
    module = ""
    configured_by = "tensorboard"

    def watch(self, installation: Installation, writers: Writers, module: str) -> None:
        """Watch ``tf.summary.scalar``."""
        installation.on_import(module, writers.watch_tensorflow)
