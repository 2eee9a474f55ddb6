"""Where registered models are kept: the registry URI in force."""

from __future__ import annotations

import os

from chiplog.core.config import env
from chiplog.core.location import normalise
from chiplog.core.runs.active import store_uri

_VARIABLES = ("CHIPLOG_REGISTRY_URI", "MLFLOW_REGISTRY_URI")


def set_registry_uri(uri: str | None) -> None:
    """Choose where registered models are kept; None goes back to the tracking store."""
    for variable in _VARIABLES:
        if uri is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = str(uri)


def get_registry_uri() -> str:
    """The registry URI in force: the one that was set, else the tracking URI."""
    given = env("REGISTRY_URI")
    return store_uri() if given is None else normalise(given)
