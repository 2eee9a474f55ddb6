"""What a training call was given: features, target and weights, found among its arguments."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.autolog.integration import Call

_FEATURES: Final = ("X", "raw_documents", "data")
_TARGETS: Final = ("y", "Y")


@dataclass(frozen=True)
class TrainingData:
    """The arguments of a fit. Lives no longer than the call.

    Attributes:
        weights: ``sample_weight`` if it was given.
        takes_weights: whether the call has a place for weights.
    """

    X: Any
    y: Any = None
    weights: Any = None

    @classmethod
    def of(cls, call: Call) -> TrainingData:
        """Read the arguments of a fit."""
        features = call.args[0] if call.args else None
        if features is None:
            features = next((call.kwargs[name] for name in _FEATURES if name in call.kwargs), None)
        target = next(
            (found for name in _TARGETS if (found := call.argument(name)) is not None), None
        )
        return cls(features, target, call.argument("sample_weight"))

    @property
    def can_be_read_again(self) -> bool:
        """Whether the features are still there after training: an iterator's are not."""
        X = self.X
        return X is not None and (hasattr(X, "shape") or isinstance(X, (list, tuple)))


@contextlib.contextmanager
def generators_untouched(estimator: Any) -> Iterator[None]:
    """Leave the random generators among an estimator's parameters as they are."""
    states: list[tuple[Any, Any]] = []
    with contextlib.suppress(Exception):
        for value in estimator.get_params(deep=True).values():
            if isinstance(value, np.random.RandomState):
                states.append((value, value.get_state(legacy=False)))
            elif isinstance(value, np.random.Generator):
                states.append((value, value.bit_generator.state))
    try:
        yield
    finally:
        for generator, state in states:
            if isinstance(generator, np.random.RandomState):
                generator.set_state(state)
            else:
                generator.bit_generator.state = state
