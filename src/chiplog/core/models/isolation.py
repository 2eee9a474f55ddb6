"""An environment of a model's own, made from its files and kept for the next time.

It has what the model's ``requirements.txt`` asks for, and chiplog in the version that makes it, in
the place of MLflow, which chiplog does not need. It is made with uv where there is uv, else with
Python's own ``venv`` and pip; conda is there for models that ask for more than pip has.

Environments lie in the user's cache folder, each under a digest of all that went into it
(``CHIPLOG_ENV_ROOT`` names another folder). One is used only once it is whole: whoever makes it
holds a lock, which its installers inherit, and marks it at the end. What was killed in the middle
is removed by the next who needs it.

Making one runs what installers run: build scripts of the packages that the model asks for.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.config import env
from chiplog.core.errors import InvalidValue
from chiplog.core.models import environment, wheel, yamls
from chiplog.core.models.distributions import distribution_of
from chiplog.core.models.flavor import PYTHON_FUNCTION, flavors
from chiplog.core.models.installing import Installer, alone
from chiplog.core.models.model import Model
from chiplog.core.models.requirements import given_requirements, is_mlflow, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The ways to come by an environment; ``virtualenv`` takes uv where there is one.
MANAGERS: Final = ("local", "virtualenv", "uv", "conda")

_WHOLE: Final = "complete"


@dataclass(frozen=True)
class Recipe:
    """What goes into a model's environment.

    Attributes:
        python: the minor version of Python, as ``"3.11"``.
        requirements: lines for pip, chiplog's own wheel apart.
        constraints: lines that bound what pip chooses.
        conda: what conda is to bring, beside Python.
    """

    python: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def digest(self, tool: str) -> str:
        """A name for the environment that ``tool`` makes of it on this machine."""
        parts = (self.python, self.requirements, self.constraints, self.conda, self.channels)
        machine = (sys.platform, platform.machine(), tool, _wheel_digest())
        text = json.dumps([parts, machine])
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@functools.cache
def _wheel_digest() -> str:
    return wheel.digest()


def environment_for(
    directory: Path,
    env_manager: str = "virtualenv",
    *,
    install_mlflow: bool = False,
    pip_requirements_override: Sequence[str] | None = None,
) -> Path:
    """The Python of an environment for the model in ``directory``, which is made if need be.

    Args:
        directory: where the model's files lie.
        env_manager: ``"virtualenv"``, ``"uv"``, ``"conda"``, or ``"local"``: the one that runs.
        install_mlflow: install the MLflow that the model asks for, too.
        pip_requirements_override: requirements that win over the model's.

    Raises:
        InvalidValue: there is no such manager, or it is not installed.
        InstallationFailed: it could not be made; the text has the installer's last words.
    """
    check_manager(env_manager)
    if env_manager == "local":
        return Path(sys.executable)
    conda = env_manager == "conda"
    recipe = recipe_of(
        directory,
        conda=conda,
        install_mlflow=install_mlflow,
        pip_requirements_override=pip_requirements_override,
    )
    installer = Installer.find(env_manager, recipe.python)
    root = environments_folder()
    folder = root / recipe.digest(installer.name)
    if not (folder / _WHOLE).is_file():
        root.mkdir(parents=True, exist_ok=True)
        with alone(folder.with_suffix(".lock"), "the model's environment") as lock:
            if not (folder / _WHOLE).is_file():
                _make(folder, recipe, installer, lock)
    return python_in(folder)


def check_manager(env_manager: str) -> None:
    """Raise InvalidValue for a manager that is not known."""
    if env_manager not in MANAGERS:
        raise InvalidValue(
            f"env_manager={env_manager!r} is unknown; it is one of {', '.join(MANAGERS)}."
        )


def environments_folder() -> Path:
    """Where environments are kept."""
    chosen = env("ENV_ROOT")
    if chosen:
        return Path(chosen).expanduser()
    if os.name == "nt":
        cache = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local"))
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return cache.expanduser() / "chiplog" / "environments"


def python_in(folder: Path) -> Path:
    """The interpreter of an environment."""
    if os.name != "nt":
        return folder / "bin" / "python"
    inside = folder / "Scripts" / "python.exe"
    return inside if inside.exists() else folder / "python.exe"


def recipe_of(
    directory: Path,
    *,
    conda: bool = False,
    install_mlflow: bool = False,
    pip_requirements_override: Sequence[str] | None = None,
) -> Recipe:
    """What the environment of the model in ``directory`` is made of.

    Raises InvalidValue for a Python that chiplog does not run on.
    """
    file = directory / environment.PIP
    requirements, constraints = given_requirements(file) if file.is_file() else ([], [])
    if not install_mlflow:
        requirements = [line for line in requirements if not is_mlflow(line)]
    override, more = given_requirements(list(pip_requirements_override or ()))
    constraints += more
    wanted = {name_of(line) for line in override} - {None}  # options and URLs have no name
    requirements = [line for line in requirements if name_of(line) not in wanted] + override
    requirements += _missing(directory, {name_of(line) for line in requirements})
    python = _python_of(directory)
    if not conda:
        return Recipe(python, tuple(requirements), tuple(constraints))
    said = _conda_of(directory)
    packages = [part for part in said.get("dependencies") or () if isinstance(part, str)]
    bare = [part for part in packages if not re.match(r"(python|pip)(?![\w.-])", part)]
    channels = tuple(map(str, said.get("channels") or ()))
    return Recipe(python, tuple(requirements), tuple(constraints), tuple(bare), channels)


def _missing(directory: Path, named: set[str | None]) -> list[str]:
    """What asking the model needs beside chiplog, and would else have come with MLflow.

    That is tables, what reads a pickled PythonModel, and the plugins of its flavors.
    """
    mlmodel = Model.load(directory)
    signature = mlmodel.signature
    inputs = signature.inputs if signature is not None else None
    needed = [] if inputs is not None and inputs.is_tensor_spec() else ["pandas"]
    function = mlmodel.flavors.get(PYTHON_FUNCTION) or {}
    if function.get("python_model"):
        version = function.get("cloudpickle_version")
        needed.append(f"cloudpickle=={version}" if version else "cloudpickle")
    known = flavors()
    for flavor in mlmodel.flavors:
        if flavor in known:
            plugin = distribution_of(known[flavor].module)
            if plugin is not None:
                needed.append(str(plugin.folder) if plugin.folder else plugin.requirement)
    return [line for line in needed if name_of(line) is None or name_of(line) not in named]


def _python_of(directory: Path) -> str:
    file = directory / environment.PYTHON
    said = str(yamls.read(file).get("python") or "") if file.is_file() else ""
    match = re.match(r"^\d+\.\d+", said or platform.python_version())
    python = match.group() if match else ""
    from packaging.specifiers import SpecifierSet

    required = metadata.metadata("chiplog")["Requires-Python"] or ""
    if not python or not SpecifierSet(str(required)).contains(f"{python}.99"):
        raise InvalidValue(
            f"The model in {str(directory)!r} asks for Python {said}, and chiplog needs "
            f"{required}. Try it with env_manager='local', in the environment that runs."
        )
    return python


def _conda_of(directory: Path) -> dict[str, Any]:
    file = directory / environment.CONDA
    return yamls.read(file) if file.is_file() else {}


def _make(folder: Path, recipe: Recipe, installer: Installer, lock: int) -> None:
    """Make the environment; nothing of it is left if that fails."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        installer.create(folder, recipe.python, recipe.conda, recipe.channels, lock)
        notes = folder / "chiplog"
        notes.mkdir()
        lines = [*recipe.requirements]
        if recipe.constraints:
            (notes / environment.CONSTRAINTS).write_text("\n".join(recipe.constraints), "utf-8")
            lines.append(f"-c {environment.CONSTRAINTS}")
        listed = notes / environment.PIP
        listed.write_text("\n".join(lines), "utf-8")
        installer.install(python_in(folder), listed, wheel.pack_wheel(notes, for_here=True), lock)
        (folder / _WHOLE).touch()
    except BaseException:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
        raise
