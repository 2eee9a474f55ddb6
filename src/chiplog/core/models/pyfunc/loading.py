"""Loading any model as one function of data and parameters."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from chiplog.core.config import env_bool
from chiplog.core.errors import DamagedModel, NotFound, UntrustedModel
from chiplog.core.models import safety
from chiplog.core.models.directory import inside
from chiplog.core.models.flavor import PYTHON_FUNCTION, get_flavor
from chiplog.core.models.loading import add_code, file_of, open_model
from chiplog.core.models.mismatch import warn_of_mismatch
from chiplog.core.models.pyfunc import code, pickles
from chiplog.core.models.pyfunc.implementations import OfFlavor, OfLoader, OfPythonModel
from chiplog.core.models.pyfunc.model import PyFuncModel
from chiplog.core.models.pyfunc.python_model import PythonModel, PythonModelContext
from chiplog.core.models.safety import Trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.models.enforcement import Policy
    from chiplog.core.models.loading import OpenedModel
    from chiplog.core.models.pyfunc.implementations import Implementation


def load_model(
    model_uri: str | Path,
    suppress_warnings: bool = False,
    dst_path: str | Path | None = None,
    model_config: str | Path | Mapping[str, Any] | None = None,
    *,
    allow_pickle: bool | None = None,
    trusted_types: Sequence[str] = (),
    policy: Policy | str | None = None,
) -> PyFuncModel:
    """Load a model of any flavor as one function: ``predict(data, params=None)``.

    Nothing the model brings is unpickled or run that you did not say so of.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        suppress_warnings: say nothing of installed versions that differ from those it was made
            with.
        dst_path: where to put a copy of its files.
        model_config: settings for it, or the path of a YAML file with them; they win over those it
            was saved with.
        allow_pickle: run the code the model holds: a pickle, a script, a loader module.
        trusted_types: full names of types it may hold, or of the loader module it may use.
        policy: how strictly data is held to its signature, by column: ``"mlflow"`` (the default),
            ``"strict"``, ``"coerce"``, ``"warn"``, or a ``Policy``.

    Raises:
        UntrustedModel: it asks for more trust than it was given; the text names what for.
        DamagedModel: its files are inconsistent.
        NotFound: there is no model, or nothing installed can load it.
    """
    opened = open_model(model_uri, dst_path)
    if not suppress_warnings:
        warn_of_mismatch(opened.directory)
    trust = Trust(allow_pickle, tuple(trusted_types))
    return loaded(opened, trust, code.read_config(model_config), policy)


def loaded(
    opened: OpenedModel,
    trust: Trust,
    model_config: Mapping[str, Any] | None = None,
    policy: Policy | str | None = None,
) -> PyFuncModel:
    """A model whose files are found, as one function."""
    settings = opened.settings(PYTHON_FUNCTION)
    config = {**(settings.get("config") or {}), **(model_config or {})}
    implementation = _implementation(opened, settings, config, trust)
    return PyFuncModel(
        opened.mlmodel,
        implementation,
        directory=opened.directory,
        model_config=config,
        policy=policy,
    )


def _implementation(
    opened: OpenedModel, settings: Mapping[str, Any], config: dict[str, Any], trust: Trust
) -> Implementation:
    """What computes the model's predictions, as its ``loader_module`` says."""
    module = str(settings.get("loader_module") or "")
    package, _, name = module.partition(".")
    if package in {"mlflow", "chiplog"} and name:
        if name.partition(".")[0] == "pyfunc":
            return _python_model(opened, settings, config, trust)
        flavor = get_flavor(name.partition(".")[0])
        own = opened.mlmodel.flavors.get(flavor.name, settings)
        model = opened.read(flavor.name, own, trust, as_function=True)
        return OfFlavor(flavor, model, {**own, **settings})
    return _by_loader(opened, settings, config, trust)


def _python_model(
    opened: OpenedModel, settings: Mapping[str, Any], config: dict[str, Any], trust: Trust
) -> OfPythonModel:
    directory = opened.directory
    _check_execution(opened)
    script = settings.get("model_code_path")
    if script:
        # MLflow notes where the script was when it was saved; a copy lies in the directory.
        file = file_of(directory, str(script).replace("\\", "/").rpartition("/")[2])
        safety.check_code(directory, f"the script {file.name!r}", trust)
        add_code(directory, settings, trust)
        model = code.run(file, config)
    else:
        file = file_of(directory, settings.get("python_model", "python_model.pkl"))
        add_code(directory, settings, trust)
        model = safety.read_pickle(file, trust, pickles.load)
    if not isinstance(model, PythonModel):
        raise DamagedModel(
            f"{str(file)!r} holds a {type(model).__name__}, where a PythonModel is expected."
        )
    context = PythonModelContext(_artifacts(directory, settings), config)
    model.load_context(context)
    return OfPythonModel(model, context)


def _artifacts(directory: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """Where the model's artifacts lie, by name; raises if one is not in its directory."""
    found: dict[str, str] = {}
    for name, entry in (settings.get("artifacts") or {}).items():
        path = inside(directory, entry["path"], "an artifact")
        if not path.exists():
            raise NotFound(f"The model in {str(directory)!r} lacks its artifact {name!r}.")
        found[str(name)] = str(path)
    return found


def _by_loader(
    opened: OpenedModel, settings: Mapping[str, Any], config: dict[str, Any], trust: Trust
) -> OfLoader:
    """What a loader module of the model's author makes of its data."""
    directory, name = opened.directory, str(settings.get("loader_module") or "")
    if not name:
        raise DamagedModel(f"The model in {str(directory)!r} does not say how it is loaded.")
    _check_execution(opened)
    safety.check_code(directory, f"the module {name!r}", trust, name)
    add_code(directory, settings, trust)
    try:
        loader = importlib.import_module(name)
    except ImportError as error:
        raise NotFound(
            f"The model in {str(directory)!r} is loaded by the module {name!r}, which cannot be "
            f"imported here: {error}."
        ) from error
    data = str(inside(directory, settings.get("data") or "", "data"))
    made = loader._load_pyfunc(data, config) if config else loader._load_pyfunc(data)  # noqa: SLF001 - the format's name
    return OfLoader(made)


def _check_execution(opened: OpenedModel) -> None:
    """Raise where the environment forbids models that bring code, whatever the caller says."""
    if not env_bool("ALLOW_MODEL_CODE_EXECUTION", default=True):
        raise UntrustedModel(
            f"The model {opened.uri!r} brings code of its own, and ALLOW_MODEL_CODE_EXECUTION is "
            "off in this environment.",
            [str(opened.settings(PYTHON_FUNCTION).get("loader_module"))],
        )
