"""What keys, values, steps and ids may be. Checks of keys are remembered: a repeat is a lookup.

Every error names the key or value and the rule it breaks; the rules are MLflow's.
"""

from __future__ import annotations

import logging
import math
import operator
import posixpath
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.config import env_bool
from chiplog.core.entities import RunStatus
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("chiplog")

MAX_KEY: Final = 250
MAX_PARAM_VALUE: Final = 6000
MAX_TAG_VALUE: Final = 8000
MAX_EXPERIMENT_TAG_VALUE: Final = 20_000
MAX_EXPERIMENT_NAME: Final = 500

_KEY: Final = re.compile(r"[/\w.\- :]*")
_RUN_ID: Final = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_MODEL_NAME_FORBIDS: Final = "/:.%\"'"
_INT64: Final = range(-(2**63), 2**63)


def check_key(key: object, what: str) -> str:
    """Hand back a metric, param or tag key that is allowed; ``what`` names its kind in errors."""
    if not isinstance(key, str):
        raise InvalidValue(f"A {what} key must be a string, not {key!r} ({type(key).__name__}).")
    return _check_key(key if type(key) is str else str(key), what)


@lru_cache(maxsize=8192)
def _check_key(key: str, what: str) -> str:
    if len(key) > MAX_KEY:
        raise InvalidValue(
            f"The {what} key {_short(key)} has {len(key)} characters; at most {MAX_KEY} are "
            "allowed."
        )
    if not _KEY.fullmatch(key):
        bad = next(character for character in key if not _KEY.fullmatch(character))
        raise InvalidValue(
            f"The {what} key {key!r} holds {bad!r}. Names may only hold letters, digits, "
            "underscores, dashes, periods, spaces, colons and slashes."
        )
    plain = posixpath.normpath(key)
    if plain != key or plain == "." or plain.startswith(("..", "/")):
        raise InvalidValue(
            f"The {what} key {key!r} reads as the file path {plain!r}. A key must equal its own "
            "normalised relative path: not empty, no leading or trailing slash, no '.' or '..'."
        )
    return key


def param_value(key: str, value: object) -> str:
    """A parameter's value as text, cut to the allowed length with a warning."""
    return _text(f"The value of param {key!r}", value, MAX_PARAM_VALUE)


def tag_value(key: str, value: object) -> str:
    """A tag's value as text, cut to the allowed length with a warning."""
    return _text(f"The value of tag {key!r}", value, MAX_TAG_VALUE)


def check_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters with allowed keys and their values as text."""
    items = _items(params, "params")
    return {check_key(key, "param"): param_value(key, value) for key, value in items}


def check_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags with allowed keys and their values as text."""
    items = _items(tags, "tags")
    return {check_key(key, "tag"): tag_value(key, value) for key, value in items}


def check_experiment_tag(key: object, value: object) -> tuple[str, str]:
    """A tag of an experiment; a value too long is an error, never cut."""
    name = check_key(key, "experiment tag")
    text = str(value)
    if len(text) > MAX_EXPERIMENT_TAG_VALUE:
        raise InvalidValue(
            f"The value of experiment tag {name!r} has {len(text)} characters; "
            f"at most {MAX_EXPERIMENT_TAG_VALUE} are allowed."
        )
    return name, text


def check_experiment_name(name: object) -> str:
    """Hand back an experiment's name that is allowed."""
    if not isinstance(name, str):
        raise InvalidValue(f"An experiment's name must be a string, not {name!r}.")
    if not name.strip():
        raise InvalidValue(f"Invalid experiment name: {name!r}. It must not be blank.")
    if len(name) > MAX_EXPERIMENT_NAME:
        raise InvalidValue(
            f"The experiment name {_short(name)} has {len(name)} characters; "
            f"at most {MAX_EXPERIMENT_NAME} are allowed."
        )
    return name


def check_run_id(run_id: object) -> str:
    """Hand back a run id that is well formed."""
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise InvalidValue(
            f"Invalid run id {run_id!r}. It must begin with a letter or digit and hold letters, "
            "digits, underscores and dashes only, at most 256."
        )
    return run_id


def check_model_name(name: object) -> str:
    """Hand back a logged model's name that is allowed."""
    if not isinstance(name, str) or not name or any(c in name for c in _MODEL_NAME_FORBIDS):
        raise InvalidValue(
            f"Invalid model name {name!r}. It must be a non-empty string without any of: "
            + " ".join(_MODEL_NAME_FORBIDS)
        )
    return name


def check_status(status: object) -> str:
    """Hand back a run status's name; a plain ``Exception`` otherwise, as MLflow raises."""
    if isinstance(status, int) and not isinstance(status, bool):
        return RunStatus.to_string(status)
    return RunStatus.to_string(
        RunStatus.from_string(status if type(status) is str else str(status))
    )


def metric_value(key: object, value: Any) -> float:
    """A metric's value as a double: numbers, numeric text, scalars and one-element arrays."""
    if type(value) is float:
        return value
    try:
        if isinstance(value, (list, tuple, dict, set)):
            raise TypeError("a container")
        item = getattr(value, "item", None)
        if callable(item) and not isinstance(value, (str, bytes)):
            value = _scalar(value, item)
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise InvalidValue(
            f"The value {_short(value)} of metric {key!r} is not a number ({error}). Give a "
            "number, numeric text, a scalar or an array of one element."
        ) from None


def metric_step(key: object, step: Any) -> int:
    """A metric's step as a 64-bit integer; a float loses its fraction."""
    try:
        if isinstance(step, (str, bytes)):
            raise TypeError("text")
        number = _integer(step)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidValue(
            f"The step {_short(step)} of metric {key!r} is not an integer ({error})."
        ) from None
    if number not in _INT64:
        raise InvalidValue(f"The step {number} of metric {key!r} does not fit into 64 bits.")
    return number


def metric_timestamp(key: object, timestamp: Any) -> int:
    """A metric's time in milliseconds since the epoch, never negative."""
    try:
        if isinstance(timestamp, (str, bytes)):
            raise TypeError("text")
        number = _integer(timestamp)
    except (TypeError, ValueError, OverflowError):
        number = -1
    if number < 0 or number not in _INT64:
        raise InvalidValue(
            f"The timestamp {_short(timestamp)} of metric {key!r} is not a time in milliseconds "
            "since the epoch: a 64-bit integer, not negative."
        )
    return number


def _scalar(value: Any, item: Callable[[], Any]) -> Any:
    """The one element of a numpy, torch or similar array; the array itself if it cannot say."""
    try:
        return item()
    except TypeError:
        return value


def _integer(number: Any) -> int:
    try:
        return operator.index(number)
    except TypeError:
        real = float(number)
        if not math.isfinite(real):
            raise ValueError("not finite") from None
        return int(real)


def _text(what: str, value: object, limit: int) -> str:
    text = value if type(value) is str else str(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue(f"{what}, {_short(text)}, is not valid Unicode: {error}.") from None
    if len(text) <= limit:
        return text
    if not env_bool("TRUNCATE_LONG_VALUES", default=True):
        raise InvalidValue(
            f"{what}, {_short(text)}, has {len(text)} characters; at most {limit} are allowed. "
            "CHIPLOG_TRUNCATE_LONG_VALUES=1 cuts such values."
        )
    _log.warning("%s has %d characters and is cut to %d.", what, len(text), limit)
    return text[:limit]


def _items(mapping: Mapping[str, Any], what: str) -> Any:
    if not isinstance(mapping, Mapping):
        raise InvalidValue(f"{what} must be a dict, not {_short(mapping)}.")
    return mapping.items()


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # a broken __repr__ must not hide what we have to say
        text = f"<{type(value).__name__}, whose repr() raised {type(error).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."
