"""joblib: trainings in worker processes are recorded in the run of the program that lends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Go along with the other integrations into joblib's worker processes."""
    from chiplog.integrations.joblib.integration import JoblibIntegration

    return [JoblibIntegration()]
