"""Where Keras's training calls are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.autolog.integration import Integration, Point
from chiplog.integrations.keras.config import KerasConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.installation import Installation


class KerasIntegration(Integration):
    """Records Keras 3 on any backend: ``fit``, and what ``evaluate`` measures afterwards."""

    name = "keras"
    distribution = "keras"
    versions = ">=3.7"
    modules = ("keras",)
    options = KerasConfig
    module = "chiplog.integrations.keras.api"
    configured_by = "tensorflow"

    def points(self) -> Iterable[Point]:
        """Watch ``fit`` where the backend's trainer defines it."""
        import keras

        from chiplog.integrations.keras.fit import FitWatch

        yield Point(keras.Model, "fit", FitWatch)
        if keras.backend.backend() != "tensorflow":  # there it is seen as a loop of TensorFlow's
            yield Point(
                keras.Model,
                "train_on_batch",
                uncaptured="of train_on_batch() nothing is recorded on this backend; give what it "
                "hands back to chiplog.log_metric()",
            )

    def install(self, installation: Installation) -> None:
        """Watch ``evaluate``, and choose whose names are used."""
        import keras

        from chiplog.integrations.keras.evaluation import Evaluations

        if not uses_names_of_tensorflow(installation):
            installation.tag = self.name
        if getattr(installation.config, "log_post_training_metrics", True):
            observer = Evaluations(installation).evaluated
            installation.watch(Point(keras.Model, "evaluate", observer=observer))


def uses_names_of_tensorflow(installation: Installation) -> bool:
    """Whether MLflow's names for ``tensorflow`` are used, rather than those for ``keras``."""
    import keras

    return installation.configured_by != KerasIntegration.name and (
        keras.backend.backend() == "tensorflow"
    )
