"""Where Lightning's training calls are watched."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import nesting
from chiplog.core.autolog.account import account
from chiplog.core.autolog.integration import Integration, Point
from chiplog.integrations.lightning.config import LightningConfig
from chiplog.integrations.lightning.packages import LIGHTNING, PYTORCH_LIGHTNING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation

_log = logging.getLogger("chiplog.lightning")


class LightningIntegration(Integration):
    """Records ``Trainer.fit`` of both packages, and what is evaluated on a trained module."""

    name = "lightning"
    distribution = "lightning"
    versions = ">=2.4"
    modules = (LIGHTNING, PYTORCH_LIGHTNING)
    options = LightningConfig
    module = "chiplog.integrations.lightning.api"
    configured_by = "pytorch"

    def install(self, installation: Installation) -> None:
        """Watch each of the two packages as soon as it is there."""
        from chiplog.integrations.lightning.evaluation import Evaluations
        from chiplog.integrations.lightning.fit import FitWatch

        evaluations = Evaluations(installation)

        def watch(package: ModuleType) -> None:
            trainer: Any = package.Trainer
            installation.watch(Point(trainer, "fit", FitWatch))
            evaluations.watch(trainer)

        def watch_tuner(module: ModuleType) -> None:
            for name in ("lr_find", "scale_batch_size"):
                installation.patcher.wrap(module.Tuner, name, _unwatched)

        for name in self.modules:
            installation.on_import(name, watch)
            installation.on_import(f"{name}.tuner.tuning", watch_tuner)


def _unwatched(
    wrapped: Callable[..., Any],
    instance: Any,  # noqa: ARG001 - wrapt's signature
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """A tuner's trials are no training, to PyTorch's integration neither."""
    if nesting.is_watching():
        account.unrecorded(f"Tuner.{wrapped.__name__}", "its trials are no training")
    with nesting.suspended():
        return wrapped(*args, **kwargs)
