"""The files that say which environment a model needs: conda, virtualenv and pip.

``requirements.txt`` begins with MLflow, since MLflow's own tools install the file as it is and load
the model through their package. chiplog is not in it: it stands in MLflow's place in environments
that it makes (:mod:`~chiplog.core.models.isolation`), as the one that makes them.
"""

from __future__ import annotations

import functools
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import InvalidValue
from chiplog.core.models import yamls
from chiplog.core.models.references import in_sources, place_of
from chiplog.core.models.requirements import (
    MLFLOW,
    given_requirements,
    name_of,
    names_mlflow,
    needs_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chiplog.core.models.requirements import Needs

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
    conda_env: str | Path | dict[str, Any] | None = None,
    pip_requirements: str | Path | Sequence[str] | None = None,
    extra_pip_requirements: str | Path | Sequence[str] | None = None,
    code_paths: Sequence[str | Path] | None = None,
) -> tuple[str, ...]:
    """Write the environment files into a model's directory; what the user should know of them.

    ``pip_requirements`` replaces what the modules and the files of ``code_paths`` say,
    ``extra_pip_requirements`` adds to it; with a ``conda_env`` of the user's own neither is
    allowed. What is handed back are sentences.
    """
    if conda_env is not None and not (pip_requirements is extra_pip_requirements is None):
        raise InvalidValue(
            "conda_env says all there is to say about the environment; give either it, or "
            "pip_requirements and extra_pip_requirements."
        )
    if pip_requirements is not None and extra_pip_requirements is not None:
        raise InvalidValue("Give either pip_requirements or extra_pip_requirements, not both.")
    if conda_env is not None:
        conda = conda_env if isinstance(conda_env, dict) else yamls.read(conda_env)
        _write(path, conda, pip_part(conda), [])
        return ()
    notes: tuple[str, ...] = ()
    if pip_requirements is not None:
        requirements, constraints = given_requirements(pip_requirements)
    else:
        needs = needs_of({*modules, *in_sources(code_paths or ())})
        notes = _notes_on(needs, code_paths or ())
        more, constraints = given_requirements(extra_pip_requirements or [])
        named = {name_of(line) for line in more}
        requirements = [line for line in needs.requirements if name_of(line) not in named] + more
    if not names_mlflow(requirements):
        requirements = [MLFLOW, *requirements]
    if constraints:
        requirements = [*requirements, f"-c {CONSTRAINTS}"]
    _write(path, _conda(requirements), requirements, constraints)
    return notes


def _notes_on(needs: Needs, code_paths: Sequence[str | Path]) -> tuple[str, ...]:
    saved = {Path(path).stem for path in code_paths}
    places = {name: place_of(name) for name in needs.unknown if name not in saved}
    notes = []
    if "__main__" in places:
        notes.append(
            "it needs what the script itself defines, which another program cannot import: define "
            "that in a module of its own"
        )
    # Flavors that know which class of the script it is say so themselves.
    own = {name: place for name, place in places.items() if name.partition(".")[0] != "__main__"}
    if own:
        named = ", ".join(repr(name) for name in own)
        files = ", ".join(repr(str(place)) for place in own.values() if place is not None)
        advice = f": code_paths=[{files}] saves it along" if files else ""
        notes.append(f"it needs {named}, which no installed distribution holds{advice}")
    notes += [
        f"{one.name} {one.version}, which it needs, is installed here from {str(one.folder)!r}: "
        f"others will look for {one.requirement} in an index"
        for one in needs.folders
    ]
    return tuple(notes)


def _write(
    path: Path, conda: dict[str, Any], requirements: list[str], constraints: list[str]
) -> None:
    yamls.write(path / CONDA, conda, sort_keys=False)
    yamls.write(path / PYTHON, _python_env(_python_of(conda)), sort_keys=False)
    (path / PIP).write_text("\n".join(requirements), encoding="utf-8")
    if constraints:
        (path / CONSTRAINTS).write_text("\n".join(constraints), encoding="utf-8")


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


def pip_part(conda: dict[str, Any]) -> list[str]:
    """The requirements that a conda environment leaves to pip: the list itself, to be changed."""
    for part in conda.get("dependencies") or ():
        if isinstance(part, dict) and isinstance(part.get("pip"), list):
            requirements: list[str] = part["pip"]
            return requirements
    return []


def _python_of(conda: dict[str, Any]) -> str:
    """The version of Python that a conda environment asks for; this one's if it asks for none."""
    for part in conda.get("dependencies") or ():
        match = re.match(r"^python\s*=+\s*(\d+(\.\d+)*)$", part) if isinstance(part, str) else None
        if match:
            return match.group(1)
    return platform.python_version()


def _python_env(python: str) -> dict[str, Any]:
    tools = [
        f"{name}=={version}" if (version := _version(name)) else name
        for name in ("pip", "setuptools")
    ]
    return {
        "python": python,
        "build_dependencies": [*tools, "wheel"],
        "dependencies": [f"-r {PIP}"],
    }


@functools.cache
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
