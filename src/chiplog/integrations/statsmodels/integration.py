"""Where statsmodels' fits are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.integration import Integration, Point
from chiplog.hooks.patcher import definer
from chiplog.integrations.statsmodels.config import StatsmodelsConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.autolog.installation import Installation

FITS: Final = ("fit", "fit_regularized")


class StatsmodelsIntegration(Integration):
    """Records statsmodels: the fits of every model there is, and of the user's own."""

    name = "statsmodels"
    distribution = "statsmodels"
    versions = ">=0.14.5"
    modules = ("statsmodels.base.model",)
    options = StatsmodelsConfig
    module = "chiplog.integrations.statsmodels.api"

    def install(self, installation: Installation) -> None:
        """Watch the models there are, and each other one when it is first made.

        Their classes are imported bit by bit, and all of them are made through ``Model.__init__``.
        """
        from statsmodels.base.model import Model

        seen: set[type] = set()
        for cls in _subclasses(Model):
            _watch(installation, cls, Model, seen)

        def made(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            if type(instance) not in seen:
                installation.guarded(
                    f"Watching {type(instance).__name__}",
                    _watch,
                    installation,
                    type(instance),
                    Model,
                    seen,
                )
            return wrapped(*args, **kwargs)

        installation.patcher.wrap(Model, "__init__", made)


def _watch(installation: Installation, cls: type, root: type, seen: set[type]) -> None:
    """Watch the fits of a class, where they are defined; the root's own does nothing."""
    from chiplog.integrations.statsmodels.fit import FitWatch

    seen.add(cls)
    for name in FITS:
        owner = definer(cls, name)
        if owner is not None and owner is not root and issubclass(owner, root):
            installation.watch(Point(owner, name, FitWatch))


def _subclasses(root: type) -> Iterator[type]:
    found: list[type] = root.__subclasses__()
    for cls in found:
        yield cls
        yield from _subclasses(cls)
