"""What computes a loaded model's predictions: a framework, a PythonModel, or a loader's object."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol

from chiplog.core.errors import InvalidValue
from chiplog.core.models.flavor import predict_with
from chiplog.core.models.pyfunc.python_model import PythonModel, PythonModelContext, call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chiplog.core.models.flavor import Flavor


class Implementation(Protocol):
    """A model that takes data which has been checked.

    Attributes:
        raw: the model in its own form.
    """

    raw: Any

    def predict(self, data: Any, params: Mapping[str, Any] | None) -> Any:
        """What the model gives for data of the kind it takes."""

    def stream(self, data: Any, params: Mapping[str, Any] | None) -> Iterator[Any]:
        """The same, part after part."""


class OfFlavor:
    """A framework's model, used through its flavor."""

    def __init__(self, flavor: Flavor, model: Any, settings: Mapping[str, Any]) -> None:
        self.raw = model
        self._flavor, self._settings = flavor, settings

    def predict(self, data: Any, params: Mapping[str, Any] | None) -> Any:
        """What the framework's own prediction gives."""
        return predict_with(self._flavor, self.raw, data, self._settings, params)

    def stream(self, data: Any, params: Mapping[str, Any] | None) -> Iterator[Any]:  # noqa: ARG002 - the protocol's
        """Raise: no framework's model gives its prediction in parts."""
        raise InvalidValue(
            f"A model of the flavor {self._flavor.name!r} gives its prediction at once: call "
            "predict()."
        )


class OfPythonModel:
    """A model that its author wrote."""

    def __init__(self, model: PythonModel, context: PythonModelContext) -> None:
        self.raw, self.context = model, context

    def predict(self, data: Any, params: Mapping[str, Any] | None) -> Any:
        """What its ``predict`` gives."""
        return call(self.raw.predict, self.context, data, params)

    def stream(self, data: Any, params: Mapping[str, Any] | None) -> Iterator[Any]:
        """What its ``predict_stream`` gives."""
        parts: Iterator[Any] = call(self.raw.predict_stream, self.context, data, params)
        return parts


class OfLoader:
    """Whatever a loader module's ``_load_pyfunc`` gave: an object with ``predict``."""

    def __init__(self, model: Any) -> None:
        self.raw = model

    def predict(self, data: Any, params: Mapping[str, Any] | None) -> Any:
        """What its ``predict`` gives."""
        return _called(self.raw.predict, data, params)

    def stream(self, data: Any, params: Mapping[str, Any] | None) -> Iterator[Any]:
        """What its ``predict_stream`` gives."""
        parts: Iterator[Any] = _called(self.raw.predict_stream, data, params)
        return parts


def _called(method: Any, data: Any, params: Mapping[str, Any] | None) -> Any:
    try:
        takes_params = "params" in inspect.signature(method).parameters
    except ValueError:  # compiled code need not tell
        takes_params = False
    return method(data, params=params) if takes_params else method(data)
