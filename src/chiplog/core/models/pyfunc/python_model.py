"""Models that their authors write: a class with ``predict``, or a function."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import InvalidValue
from chiplog.core.models.typehints import input_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_HINT: Final = "_chiplog_input_hint"


class PythonModelContext:
    """What a model finds beside itself where it is loaded.

    Attributes:
        artifacts: the local path of each file or folder that was saved with the model, by name.
        model_config: the settings the model was saved with, or is loaded with.
    """

    def __init__(
        self, artifacts: Mapping[str, str] | None, model_config: Mapping[str, Any] | None
    ) -> None:
        self._artifacts = dict(artifacts or {})
        self._model_config = dict(model_config or {})

    @property
    def artifacts(self) -> dict[str, str]:
        """The local path of each artifact, by the name it was saved under."""
        return self._artifacts

    @property
    def model_config(self) -> dict[str, Any]:
        """The model's settings."""
        return self._model_config


class PythonModel:
    """A model of your own: inherit from it and write ``predict``.

    ``predict`` is ``predict(self, model_input)`` or ``predict(self, context, model_input)``, either
    with ``params=None`` at the end if it takes parameters. Type hints on ``model_input`` and on
    what it gives become the model's signature.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Read what the model needs, such as ``context.artifacts``; called once, when it loads."""

    # Declared so that type checkers take each of the forms in a subclass.

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """What the model gives for ``model_input``: write it in one of the forms above."""
        raise NotImplementedError(f"{type(self).__name__} has no predict() of its own.")

    def predict_stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """What the model gives for ``model_input``, part after part; written as ``predict`` is."""
        raise NotImplementedError(f"{type(self).__name__} has no predict_stream() of its own.")


def as_python_model(function: Callable[..., Any]) -> PythonModel:
    """A function as a model; raises InvalidValue if it does not take data alone, or with params.

    Its class is made here, so that a pickle carries it, and needs nothing of chiplog's to be read.
    """
    parameters = dict(inspect.signature(function).parameters)
    takes_params = parameters.pop("params", None) is not None
    others = [one for one in list(parameters.values())[1:] if one.default is one.empty]
    if not parameters or any(one.kind not in _VARIABLE for one in others):
        raise InvalidValue(
            f"A function that is a model takes the data, and may take params; this one is "
            f"{getattr(function, '__name__', function)}{inspect.signature(function)}."
        )

    class FunctionModel(PythonModel):
        of_function = True

        def __init__(self, func: Callable[..., Any], takes_params: bool) -> None:
            self.func = func
            self.takes_params = takes_params

        def predict(self, model_input: Any, params: Any = None) -> Any:
            if self.takes_params:
                return self.func(model_input, params=params)
            return self.func(model_input)

    hint = input_hint(function)
    # MLflow looks for type hints here.
    FunctionModel.predict.__annotations__ = {} if hint is None else {"model_input": hint}
    return FunctionModel(function, takes_params)


def hinted(model: PythonModel) -> Callable[..., Any]:
    """The function whose type hints say what a model takes and gives."""
    if isinstance(getattr(type(model), "of_function", None), bool):
        found: Callable[..., Any] = model.func  # type: ignore[attr-defined]  # such classes have it
        return found
    return model.predict


def hint_of(model: PythonModel) -> Any:
    """The type hint of the data that a model takes, or None."""
    noted = getattr(model, _HINT, None)
    return input_hint(hinted(model)) if noted is None else noted


@contextlib.contextmanager
def hint_noted(model: PythonModel) -> Iterator[None]:
    """Have a model hold its type hint for a while: as text, it means nothing in another module."""
    hint = hint_of(model)
    if hint is None or _HINT in getattr(model, "__dict__", {_HINT}):
        yield
        return
    vars(model)[_HINT] = hint
    try:
        yield
    finally:
        vars(model).pop(_HINT, None)


def call(
    method: Callable[..., Any],
    context: PythonModelContext,
    data: Any,
    params: Mapping[str, Any] | None,
) -> Any:
    """Call a model's ``predict`` or ``predict_stream`` with as much of this as it takes."""
    names = list(inspect.signature(method).parameters)
    arguments = [data]
    if "context" in names or len([name for name in names if name != "params"]) > 1:
        arguments.insert(0, context)
    return method(*arguments, params=params) if "params" in names else method(*arguments)
