"""The kinds of what stands in an MLmodel file: checked once, so that nobody below needs to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import DamagedModel
from chiplog.core.models import digests

if TYPE_CHECKING:
    from collections.abc import Mapping

#: MLflow adds keys to its format; it drops or changes them with a new major version alone.
NEWEST_MAJOR: Final = 3

_TEXT: Final = (str, type(None))
_MAPPING: Final = (dict, type(None))
_LIST: Final = (list, type(None))

_TOP: Final[dict[str, tuple[type, ...]]] = {
    "artifact_path": _TEXT,
    "flavors": _MAPPING,
    "metadata": _MAPPING,
    "mlflow_version": _TEXT,
    "model_id": _TEXT,
    "model_uuid": _TEXT,
    "prompts": _LIST,
    "run_id": _TEXT,
    "saved_input_example_info": _MAPPING,
    "signature": _MAPPING,
}
_FLAVOR: Final[dict[str, tuple[type, ...]]] = {
    "artifacts": _MAPPING,
    "code": _TEXT,
    "config": _MAPPING,
    "data": _TEXT,
    "external_data": _TEXT,
    "loader_module": _TEXT,
    "model_class": _TEXT,
    "model_code_path": _TEXT,
    "model_data": _TEXT,
    "model_path": _TEXT,
    "pickled_model": _TEXT,
    "predict_fn": _TEXT,
    "python_model": _TEXT,
    "saved_model_dir": _TEXT,
    "serialization_format": _TEXT,
}
_NAMES: Final[dict[type, str]] = {dict: "a mapping", list: "a list", str: "text"}


def check(body: Mapping[str, Any]) -> None:
    """Raise DamagedModel where an MLmodel file holds another kind of thing than its format says.

    Keys that are not known are let be. A file of MLflow's next major version is refused.
    """
    _check(body, _TOP, "")
    digests.checked(body.get(digests.KEY))
    _check_version(body.get("mlflow_version"))
    for flavor, settings in (body.get("flavors") or {}).items():
        if not isinstance(flavor, str):
            raise DamagedModel(f"The MLmodel file has a flavor named {flavor!r:.100}.")
        _require(settings, (dict,), f"flavors.{flavor}")
        _check(settings, _FLAVOR, f"flavors.{flavor}.")
        for name, entry in (settings.get("artifacts") or {}).items():
            _require(entry, (dict,), f"flavors.{flavor}.artifacts.{name}")
            _require(entry.get("path"), (str,), f"flavors.{flavor}.artifacts.{name}.path")


def _check(body: Mapping[str, Any], kinds: Mapping[str, tuple[type, ...]], prefix: str) -> None:
    for name, allowed in kinds.items():
        if name in body:
            _require(body[name], allowed, f"{prefix}{name}")


def _require(value: Any, allowed: tuple[type, ...], where: str) -> None:
    if not isinstance(value, allowed):
        raise DamagedModel(
            f"The MLmodel file has {where} = {value!r:.100}, where {_NAMES[allowed[0]]} belongs. "
            "It is damaged, or no MLmodel file; get the model again from where it was made."
        )


def _check_version(version: str | None) -> None:
    match = re.match(r"(\d{1,9})\.", version or "")
    if match and int(match.group(1)) > NEWEST_MAJOR:
        raise DamagedModel(
            f"The model was saved by MLflow {version}, and this chiplog knows the format of "
            f"MLflow up to {NEWEST_MAJOR}.x. A newer chiplog may load it: pip install -U chiplog"
        )
