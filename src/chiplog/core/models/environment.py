"""The files that say which environment a model needs: conda, virtualenv and pip."""

from __future__ import annotations

import functools
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import InvalidValue
from chiplog.core.models import yamls
from chiplog.core.models.requirements import MLFLOW, given_requirements, names_mlflow, pinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

CONDA: Final = "conda.yaml"
PYTHON: Final = "python_env.yaml"
PIP: Final = "requirements.txt"
CONSTRAINTS: Final = "constraints.txt"

#: How the ``python_function`` flavor points at the files.
ENV: Final = {"conda": CONDA, "virtualenv": PYTHON}


def write_environment(
    path: Path,
    modules: Iterable[str],
    *,
    conda_env: str | dict[str, Any] | None = None,
    pip_requirements: str | Sequence[str] | None = None,
    extra_pip_requirements: str | Sequence[str] | None = None,
) -> list[str]:
    """Write the environment files into a model's directory; the modules found nowhere.

    ``pip_requirements`` replaces what the modules say, ``extra_pip_requirements`` adds to it; with
    a ``conda_env`` of the user's own neither is allowed.
    """
    if conda_env is not None and (pip_requirements or extra_pip_requirements):
        raise InvalidValue(
            "conda_env says all there is to say about the environment; give either it, or "
            "pip_requirements and extra_pip_requirements."
        )
    if pip_requirements is not None and extra_pip_requirements is not None:
        raise InvalidValue("Give either pip_requirements or extra_pip_requirements, not both.")
    unknown: list[str] = []
    constraints: list[str] = []
    if conda_env is not None:
        conda = conda_env if isinstance(conda_env, dict) else yamls.read(conda_env)
        requirements = _pip_part(conda)
    else:
        if pip_requirements is not None:
            requirements, constraints = given_requirements(pip_requirements)
        else:
            requirements, unknown = pinned(modules)
            more, constraints = given_requirements(extra_pip_requirements or [])
            requirements = [*requirements, *more]
        if not names_mlflow(requirements):
            requirements = [MLFLOW, *requirements]
        if constraints:
            requirements = [*requirements, f"-c {CONSTRAINTS}"]
        conda = _conda(requirements)
    yamls.write(path / CONDA, conda, sort_keys=False)
    yamls.write(path / PYTHON, _python_env(), sort_keys=False)
    (path / PIP).write_text("\n".join(requirements), encoding="utf-8")
    if constraints:
        (path / CONSTRAINTS).write_text("\n".join(constraints), encoding="utf-8")
    return unknown


def _conda(requirements: list[str]) -> dict[str, Any]:
    pip = _version("pip")
    return {
        "channels": ["conda-forge"],
        "dependencies": [
            f"python={platform.python_version()}",
            f"pip<={pip}" if pip else "pip",
            {"pip": requirements},
        ],
        "name": "mlflow-env",
    }


def _pip_part(conda: dict[str, Any]) -> list[str]:
    for part in conda.get("dependencies", ()):
        if isinstance(part, dict) and "pip" in part:
            return list(part["pip"])
    return []


def _python_env() -> dict[str, Any]:
    tools = [
        f"{name}=={version}" if (version := _version(name)) else name
        for name in ("pip", "setuptools")
    ]
    return {
        "python": platform.python_version(),
        "build_dependencies": [*tools, "wheel"],
        "dependencies": [f"-r {PIP}"],
    }


@functools.cache
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
