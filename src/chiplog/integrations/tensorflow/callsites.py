"""What the user's code calls a loss or an optimizer, where it hands it over."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import CodeType, FrameType

_PASSED_THROUGH: Final = frozenset({"chiplog", "keras", "tensorflow", "wrapt", "contextlib"})
_known: dict[tuple[CodeType, int, str], str] = {}
_MOST: Final = 10_000


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of the user's own code."""
    while frame is not None and (
        str(frame.f_globals.get("__name__", "")).partition(".")[0] in _PASSED_THROUGH
    ):
        frame = frame.f_back
    return frame


def is_inside_fit(frame: FrameType | None) -> bool:
    """Whether a call is made somewhere inside Keras's ``fit``."""
    while frame is not None:
        if frame.f_code.co_name == "fit" and str(frame.f_globals.get("__name__", "")).startswith(
            "keras."
        ):
            return True
        frame = frame.f_back
    return False


def name_at(frame: FrameType | None, value: object, otherwise: str = "loss") -> str:
    """The name that ``value`` has in a frame; looked up once for each place in the code."""
    if frame is None:
        return otherwise
    place = (frame.f_code, frame.f_lasti, otherwise)
    name = _known.get(place)
    if name is None:
        name = next(
            (key for key, held in variables(frame) if held is value and key.isidentifier()),
            otherwise,
        )
        if len(_known) < _MOST:
            _known[place] = name
    return name


def variables(frame: FrameType) -> list[tuple[str, Any]]:
    """The variables that a frame sees, its own first.

    Before Python 3.13, looking at a function's variables leaves a snapshot of them with the frame,
    which would keep tensors alive: it is emptied again.
    """
    own = frame.f_locals
    found = list(own.items())
    is_snapshot = sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if is_snapshot and own is not frame.f_globals:
        own.clear()
    if own is not frame.f_globals:
        found += list(frame.f_globals.items())
    return found
