"""The flavor ``python_function`` of models that are written in Python, and how they are saved."""

from __future__ import annotations

import functools
import shutil
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.models import references
from chiplog.core.models.flavor import PYTHON_FUNCTION, Saved
from chiplog.core.models.loading import local_copy
from chiplog.core.models.pyfunc import code, pickles
from chiplog.core.models.pyfunc.python_model import (
    PythonModel,
    PythonModelContext,
    call,
    hinted,
)
from chiplog.core.models.typehints import is_from_example, signature_from_hints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.models.safety import Trust

ARTIFACTS: Final = "artifacts"
PICKLE: Final = "python_model.pkl"
OBJECT_LOADER: Final = "mlflow.pyfunc.model"
SCRIPT_LOADER: Final = "mlflow.pyfunc.loaders.code_model"


@dataclass
class PythonFunction:
    """What ``chiplog.pyfunc.save_model`` was given.

    Attributes:
        python_model: the object or function, or the path of the script that sets one.
        artifacts: paths or URIs of what it needs beside itself, by name.
        loader_module, data_path: instead of a ``python_model``: a module with ``_load_pyfunc``, and
            what that reads.
        context: what the model finds beside itself, once it is saved.
    """

    python_model: Any = None
    artifacts: Mapping[str, str] | None = None
    model_config: dict[str, Any] = field(default_factory=dict)
    loader_module: str | None = None
    data_path: str | Path | None = None
    streamable: bool | None = None
    context: PythonModelContext = field(default_factory=lambda: PythonModelContext(None, None))
    pickled: bytes | None = None

    @property
    def script(self) -> Path | None:
        """The script that makes the model, if it is given as one."""
        given = self.python_model
        return Path(given) if isinstance(given, (str, Path)) else None

    @functools.cached_property
    def given(self) -> PythonModel:
        """The model as it was given; that of a script is made by running it."""
        model: PythonModel = (
            self.python_model if self.script is None else code.run(self.script, self.model_config)
        )
        return model

    @property
    def streams(self) -> bool:
        """Whether it has a ``predict_stream``; as the caller says, who may not have said it."""
        if self.streamable is not None:
            return self.streamable
        return type(self.given).predict_stream is not PythonModel.predict_stream

    @functools.cached_property
    def loaded(self) -> PythonModel:
        """The model as it will be when it is loaded; the one that was given stays as it is."""
        model = self.given if self.pickled is None else pickles.load(self.pickled)
        model.load_context(self.context)
        return model


class PythonFunctionFlavor:
    """Saves models that their authors write, as :class:`PythonFunction` describes them."""

    name = PYTHON_FUNCTION
    module = ""

    def can_save(self, model: object) -> bool:
        """Whether ``model`` describes such a model."""
        return isinstance(model, PythonFunction)

    def save(self, model: PythonFunction, path: Path, options: Mapping[str, Any]) -> Saved:  # noqa: ARG002 - the protocol's
        """Write the model's files; raises MissingLibrary for an object without cloudpickle."""
        if model.loader_module is not None:
            return _save_with_loader(model, path)
        settings: dict[str, Any] = {"streamable": model.streams}
        if model.artifacts:
            settings["artifacts"] = _save_artifacts(model.artifacts, path)
        paths = {name: str(path / one["path"]) for name, one in settings.get(ARTIFACTS, {}).items()}
        model.context = PythonModelContext(paths, model.model_config)
        if model.model_config:
            settings["config"] = model.model_config
        script = model.script
        if script is not None:
            shutil.copy2(script, path / script.name)
            settings |= {"loader_module": SCRIPT_LOADER, "model_code_path": script.name}
            modules = references.in_sources([script])
            notes = (f"loading it runs {script.name!r}, and needs allow_pickle=True",)
        else:
            model.pickled = pickles.dump(model.given)
            (path / PICKLE).write_bytes(model.pickled)
            settings |= {
                "loader_module": OBJECT_LOADER,
                "python_model": PICKLE,
                "cloudpickle_version": metadata.version("cloudpickle"),
            }
            modules = references.in_pickle(model.pickled) | {"cloudpickle"}
            notes = ("loading it runs the code it holds, and needs allow_pickle=True",)
        function = hinted(model.given)
        hints = signature_from_hints(function)
        return Saved({}, settings, frozenset(modules), notes, hints, is_from_example(function))

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """The model as a ``PyFuncModel``."""
        raise NotImplementedError("chiplog.pyfunc.load_model loads it.")

    def predict(
        self,
        model: PythonFunction,
        data: Any,
        options: Mapping[str, Any],  # noqa: ARG002 - the protocol's
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the saved model will give for ``data``."""
        return call(model.loaded.predict, model.context, data, params)


def _save_with_loader(model: PythonFunction, path: Path) -> Saved:
    settings: dict[str, Any] = {
        "loader_module": model.loader_module,
        "streamable": bool(model.streamable),
    }
    if model.model_config:
        settings["config"] = model.model_config
    if model.data_path is not None:
        source = Path(model.data_path)
        if not source.exists():
            raise NotFound(f"There is no file or folder data_path={str(source)!r}.")
        settings["data"] = f"data/{source.name}"
        _copy(source, path / "data" / source.name)
    name = str(model.loader_module)
    note = (
        f"loading it runs the module {name!r}, and needs trusted_types=[{name!r}] or "
        "allow_pickle=True"
    )
    return Saved({}, settings, frozenset({name}), (note,))


def _save_artifacts(artifacts: Mapping[str, str], path: Path) -> dict[str, dict[str, str]]:
    """Copy or download a model's artifacts to it; where each now lies, by name."""
    entries: dict[str, dict[str, str]] = {}
    for name, uri in artifacts.items():
        if not isinstance(uri, (str, Path)) or not str(uri):
            raise InvalidValue(f"The artifact {name!r} is {uri!r}; give its path or URI.")
        found = local_copy(str(uri))
        target = path / ARTIFACTS / found.name
        if target.exists():
            # Two files of one name: the second goes into a folder of its own.
            target = path / ARTIFACTS / name / found.name
        _copy(found, target)
        entries[name] = {"path": target.relative_to(path).as_posix(), "uri": str(uri)}
    return entries


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)
