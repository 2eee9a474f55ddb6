"""Which Keras models a loop trains: those of its variables that the user's code can see."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.integrations.tensorflow.callsites import variables

if TYPE_CHECKING:
    from types import FrameType

_OUTWARDS: Final = 3  # frames of callers that are looked at


def find_models(frame: FrameType | None, sources: Any) -> list[tuple[str, Any]]:
    """The models, with their names in the code, some of whose weights are among ``sources``.

    Looks at the variables of the frame and its nearest callers, and at the attributes of ``self``.
    """
    keras = sys.modules.get("keras")
    if keras is None or frame is None:
        return []
    wanted = {id(source) for source in _flat(sources)}
    found: list[tuple[str, Any]] = []
    for _ in range(_OUTWARDS):
        seen = variables(frame)
        own = dict(seen).get("self")
        if own is not None and not isinstance(own, keras.Model):
            seen += list(getattr(own, "__dict__", {}).items())
        for name, value in seen:
            if (
                isinstance(value, keras.Model)
                and not any(value is known for _, known in found)
                and _holds(value, wanted)
            ):
                found.append((name, value))
        if found or frame.f_back is None:
            break
        frame = frame.f_back
    return found


def _holds(model: Any, wanted: set[int]) -> bool:
    """Whether a model has one of the variables, be it as Keras's or as TensorFlow's object."""
    return any(
        id(weight) in wanted or id(getattr(weight, "value", None)) in wanted
        for weight in model.trainable_weights
    )


def _flat(sources: Any) -> list[Any]:
    if isinstance(sources, dict):
        sources = list(sources.values())
    if isinstance(sources, (list, tuple)):
        return [one for part in sources for one in _flat(part)]
    return [sources]
