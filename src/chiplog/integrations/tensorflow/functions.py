"""What can be known of a ``tf.function`` that trains, while it is traced.

Its losses are tensors of the graph. Those that it hands back, themselves or in passing through
nothing but ``Identity``, are found among its outputs by position, and recorded at each call.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any, Final

import tensorflow as tf

from chiplog.integrations.tensorflow.models import find_models

if TYPE_CHECKING:
    from types import FrameType

_FARTHEST: Final = 20


class Tracing:
    """What was seen while a function was traced. Holds tensors of the graph; lives no longer.

    Attributes:
        trains: gradients of variables were asked for.
    """

    def __init__(self) -> None:
        self.trains = False
        self._losses: list[tuple[str, Any]] = []
        self._optimizers: list[Any] = []
        self._models: list[tuple[str, Any]] = []

    def saw_loss(self, name: str, target: Any) -> None:
        """A gradient of ``target`` was asked for."""
        for one in target if isinstance(target, (list, tuple)) else [target]:
            self._losses.append((name, one))

    def saw_optimizer(self, optimizer: Any) -> None:
        """An optimizer's step was put into the graph."""
        if not any(known is optimizer for known in self._optimizers):
            self._optimizers.append(optimizer)

    def saw_models(self, frame: FrameType | None, sources: Any) -> None:
        """Gradients of ``sources`` were asked for."""
        for name, model in find_models(frame, sources):
            if not any(known is model for _, known in self._models):
                self._models.append((name, model))

    def finish(self, function: Any) -> Traced | None:
        """What is to be remembered of the function; None if it does not train."""
        if not self._optimizers:
            return None
        names: dict[int, str] = {}
        missing = set()
        for name, loss in self._losses:
            position = _position(loss)
            if position is None:
                missing.add(name)
            else:
                names[position] = name
        label = getattr(getattr(function, "python_function", None), "__name__", "function")
        return Traced(label, names, missing, self._optimizers, self._models)


class Traced:
    """A ``tf.function`` that trains.

    Attributes:
        label: its name.
        names: which of the tensors that it hands back are losses: position and name.
        missing: the losses that it does not hand back.
    """

    def __init__(
        self,
        label: str,
        names: dict[int, str],
        missing: set[str],
        optimizers: list[Any],
        models: list[tuple[str, Any]],
    ) -> None:
        self.label = label
        self.names = names
        self.missing = missing - set(names.values())
        self._optimizers = [weakref.ref(optimizer) for optimizer in optimizers]
        self._models = [(name, weakref.ref(model)) for name, model in models]

    def update(self, again: Traced) -> None:
        """It was traced again, for inputs of other shapes."""
        self.names.update(again.names)
        self.missing &= again.missing

    def optimizers(self) -> list[Any]:
        """The optimizers whose steps are in it, those that are still there."""
        return [found for one in self._optimizers if (found := one()) is not None]

    def models(self) -> list[tuple[str, Any]]:
        """The models that it trains, with their names."""
        return [(name, found) for name, one in self._models if (found := one()) is not None]

    def values(self, result: Any) -> list[tuple[str, Any]]:
        """What is to be recorded of what a call handed back: the losses, and what is named."""
        if not isinstance(result, (dict, list, tuple)):
            if 0 in self.names:
                return [(self.names[0], result)]
            return [] if result is None else [(self.label, result)]
        flat = tf.nest.flatten(result)
        found = [(name, flat[at]) for at, name in self.names.items() if at < len(flat)]
        if isinstance(result, dict):
            losses = [value for _, value in found]
            found += [
                (str(key), value)
                for key, value in result.items()
                if not any(value is loss for loss in losses)
            ]
        return found


def _position(loss: Any) -> int | None:
    """Where among the outputs of its graph a tensor is."""
    with contextlib.suppress(Exception):
        outputs = tf.nest.flatten(loss.graph.structured_outputs)
        for position, output in enumerate(outputs):
            if _leads_to(output, loss):
                return position
    return None


def _leads_to(output: Any, loss: Any) -> bool:
    for _ in range(_FARTHEST):
        if output is loss:
            return True
        operation = getattr(output, "op", None)
        if operation is None or operation.type not in {"Identity", "StopGradient"}:
            return False
        output = operation.inputs[0]
    return False
