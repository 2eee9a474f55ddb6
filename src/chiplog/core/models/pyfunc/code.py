"""Models from code: a script that makes the model and hands it to :func:`set_model`."""

from __future__ import annotations

import contextvars
import importlib.util
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chiplog.core.alias import mlflow_as_chiplog
from chiplog.core.errors import DamagedModel, InvalidValue
from chiplog.core.models import yamls
from chiplog.core.models.pyfunc.python_model import PythonModel, as_python_model

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class _Running:
    """A script that is being run for its model."""

    config: Mapping[str, Any] | None
    model: PythonModel | None = None


_running: contextvars.ContextVar[_Running | None] = contextvars.ContextVar("_running", default=None)


def set_model(model: Any) -> None:
    """Say in a script which model it makes: a PythonModel, or a function.

    Does nothing where the script is run by itself.
    """
    found = python_model_of(model)
    running = _running.get()
    if running is not None:
        running.model = found


def python_model_of(model: Any) -> PythonModel:
    """A PythonModel, or a function as one; raises InvalidValue for anything else."""
    if isinstance(model, PythonModel):
        return model
    if isinstance(model, type) and issubclass(model, PythonModel):
        raise InvalidValue(
            f"python_model={model.__name__} is the class; give an object of it: {model.__name__}()."
        )
    if callable(model):
        return as_python_model(model)
    raise InvalidValue(
        f"A {type(model).__name__} is no model for chiplog.pyfunc; give an object of a subclass of "
        "PythonModel, a function, or the path of a script that calls chiplog.models.set_model()."
    )


class ModelConfig:
    """A script's settings: those the model is loaded with, else those for its development."""

    def __init__(self, *, development_config: str | Path | dict[str, Any] | None = None) -> None:
        running = _running.get()
        self._config = read_config(
            running.config if running is not None and running.config else development_config
        )

    def get(self, key: str) -> Any:
        """The setting of that name; raises InvalidValue with the names there are."""
        if key not in self._config:
            listed = ", ".join(map(repr, sorted(self._config))) or "none"
            raise InvalidValue(f"The model's settings have no {key!r}; they have: {listed}.")
        return self._config[key]

    def to_dict(self) -> dict[str, Any]:
        """All settings."""
        return dict(self._config)


def read_config(given: str | Path | Mapping[str, Any] | None) -> dict[str, Any]:
    """A model's settings, given as a mapping or as the path of a YAML file."""
    if given is None:
        return {}
    if isinstance(given, (str, Path)):
        if not Path(given).is_file():
            raise InvalidValue(f"There is no file {str(given)!r} with the model's settings.")
        return yamls.read(given)
    return dict(given)


def run(script: Path, config: Mapping[str, Any] | None) -> PythonModel:
    """Run a script and hand back the model it sets; raises DamagedModel if it sets none.

    What it imports as ``mlflow`` is chiplog, which it hands its model to.
    """
    name = f"chiplog_model_{uuid.uuid4().hex}"
    spec = importlib.util.spec_from_file_location(name, script)
    if spec is None or spec.loader is None:
        raise InvalidValue(f"The script of a model is a .py file; {script.name!r} is none.")
    module = importlib.util.module_from_spec(spec)
    running = _Running(config)
    token = _running.set(running)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    try:
        with mlflow_as_chiplog():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        _running.reset(token)
    if running.model is None:
        raise DamagedModel(
            f"The script {str(script)!r} sets no model: it must call "
            "chiplog.models.set_model(model) at its top level."
        )
    return running.model
