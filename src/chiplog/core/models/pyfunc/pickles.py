"""Models in pickles that MLflow reads too: its names stand in them for chiplog's classes."""

from __future__ import annotations

import contextlib
import importlib
import io
import pickle
import pkgutil
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chiplog.core.alias import ALIAS, REAL, mlflow_as_chiplog
from chiplog.core.errors import ChiplogError, DamagedModel, MissingLibrary
from chiplog.core.models.pyfunc.python_model import (
    PythonModel,
    PythonModelContext,
    call,
    hint_noted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BASE: Final = "mlflow.pyfunc.model:PythonModel"

# MLflow's name, but for those that are written here, which have a colon in them.
_NAMES_MLFLOW: Final = re.compile(rb"mlflow(?![\w.]*:)")


def dump(model: PythonModel) -> bytes:
    """A model as a pickle, with its class and functions if these are from the main program.

    Raises MissingLibrary without cloudpickle.
    """
    try:
        import cloudpickle
    except ImportError as error:
        raise MissingLibrary(
            f"Saving a {type(model).__name__} as it is needs cloudpickle, which is not installed.\n"
            "    pip install 'chiplog[pyfunc]'\n"
            "A model in a script of its own needs none: give python_model='model.py', which calls "
            "chiplog.models.set_model(...)."
        ) from error

    class Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it is Any where it has no types
        def reducer_override(self, obj: Any) -> Any:
            if obj is PythonModel:
                return pkgutil.resolve_name, (_BASE,)
            name = _public_name(obj) if isinstance(obj, ModuleType) else None
            if name is not None:
                return pkgutil.resolve_name, (f"{name}:",)
            return super().reducer_override(obj)

    file = io.BytesIO()
    with hint_noted(model):
        Pickler(file).dump(model)
    return file.getvalue()


def load(data: bytes) -> Any:
    """Read a pickle, which runs the code it holds: ask :mod:`~chiplog.core.models.safety` first."""
    with mlflow_as_chiplog() if _NAMES_MLFLOW.search(data) else contextlib.nullcontext():
        return _Unpickler(io.BytesIO(data)).load()


class _FunctionModel(PythonModel):
    """A function as MLflow saves one."""

    of_function = True
    func: Callable[..., Any]

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """What the function gives."""
        return call(self.func, context, model_input, params)


class _FunctionInfo(NamedTuple):
    """What MLflow notes of a function with type hints."""

    input_type_hint: Any = None
    input_param_name: Any = None


class _TypeHints:
    """What MLflow notes of a model's type hints; they are read off its function instead."""


def _as_they_are(
    args: Any, kwargs: Mapping[str, Any], *_: Any, **__: Any
) -> tuple[Any, Mapping[str, Any]]:
    """The arguments of a call, which were converted before it."""
    return args, kwargs


#: What MLflow's own pickles name of MLflow.
_STANDS_FOR: Final[dict[str, Any]] = {
    "mlflow.exceptions.MlflowException": ChiplogError,
    "mlflow.models.signature._TypeHints": _TypeHints,
    "mlflow.pyfunc.model.PythonModel": PythonModel,
    "mlflow.pyfunc.model.PythonModelContext": PythonModelContext,
    "mlflow.pyfunc.model._FunctionPythonModel": _FunctionModel,
    "mlflow.pyfunc.utils.data_validation.FuncInfo": _FunctionInfo,
    "mlflow.pyfunc.utils.data_validation._validate_model_input": _as_they_are,
}


def _public_name(module: ModuleType) -> str | None:
    """MLflow's name for a module that chiplog's users import; None for any other module."""
    if module.__name__.partition(".")[0] != REAL:
        return None
    names = [name for name, one in list(sys.modules.items()) if one is module]
    public = (name for name in names if re.fullmatch(rf"{REAL}(\.[a-z]\w*)?", name))
    return next((ALIAS + name.removeprefix(REAL) for name in public), None)


def _resolve(name: str) -> Any:
    """What a name with a colon stands for: chiplog's, if it is one of MLflow's."""
    module, _, attribute = name.partition(":")
    found = _STANDS_FOR.get(f"{module}.{attribute}")
    if found is None and not attribute and module.partition(".")[0] == ALIAS:
        return importlib.import_module(REAL + module.removeprefix(ALIAS))
    return pkgutil.resolve_name(name) if found is None else found


class _Unpickler(pickle.Unpickler):
    """Finds chiplog's classes for MLflow's names."""

    def find_class(self, module: str, name: str) -> Any:
        """The object of that name, for which a missing module is named in the error."""
        if (module, name) == ("pkgutil", "resolve_name"):
            return _resolve
        found = _STANDS_FOR.get(f"{module}.{name}")
        if found is not None:
            return found
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError) as error:
            raise DamagedModel(_missing(module, name, error)) from error


def _missing(module: str, name: str, error: Exception) -> str:
    text = f"The model's pickle names {module}.{name}, which cannot be imported here: {error}."
    root = module.partition(".")[0]
    if root == "cloudpickle":
        return f"{text}\n    pip install 'chiplog[pyfunc]'"
    try:
        importlib.import_module(root)
    except ImportError:
        return f"{text} Install {root!r}, or save the model with code_paths=[...] that hold it."
    return text
