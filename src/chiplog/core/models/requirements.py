"""What a saved model needs installed: the modules it references, as pinned distributions.

No subprocess and no import: the saved file names its modules, and the installed distributions'
metadata says which one each came from.
"""

from __future__ import annotations

import functools
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The model's directory is loaded by MLflow through its own package; any version 3 reads it.
MLFLOW: Final = "mlflow>=3"

_NOT_INSTALLED: Final = {"__main__", "builtins", "chiplog"}

# Distributions whose name differs from that of their module; asking for them by name spares a
# walk through every installed distribution's list of files.
_KNOWN: Final = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "yaml": "PyYAML",
    "cv2": "opencv-python",
}

# The same package in other builds, under names of their own.
_BUILDS: Final = {
    "tensorflow": ("tensorflow-cpu", "tensorflow-intel", "tensorflow-macos", "tf-nightly"),
    "xgboost": ("xgboost-cpu",),
}


@functools.lru_cache(maxsize=1024)
def distribution_of(module: str) -> tuple[str, str] | None:
    """Name and version of the distribution that a top-level module came from, if any."""
    if module in _NOT_INSTALLED or module in sys.stdlib_module_names:
        return None
    for name in (_KNOWN.get(module), module, *_BUILDS.get(module, ())):
        if name is not None:
            try:
                found = metadata.distribution(name)
            except (metadata.PackageNotFoundError, ValueError):
                continue
            return found.metadata["Name"], found.version
    names = _distributions().get(module)
    return (names[0], metadata.version(names[0])) if names else None


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return {
        module: sorted(set(names)) for module, names in metadata.packages_distributions().items()
    }


def pinned(modules: Iterable[str]) -> tuple[list[str], list[str]]:
    """Requirements for modules, sorted, and the modules that no installed distribution holds."""
    found: set[str] = set()
    unknown: set[str] = set()
    for root in {module.partition(".")[0] for module in modules}:
        distribution = distribution_of(root)
        if distribution is not None:
            found.add("{}=={}".format(*distribution))
        elif root == "__main__" or not _is_standard(root):
            unknown.add(root)
    return sorted(found, key=str.lower), sorted(unknown)


def _is_standard(root: str) -> bool:
    return root in sys.stdlib_module_names or root in _NOT_INSTALLED


def given_requirements(given: str | Sequence[str]) -> tuple[list[str], list[str]]:
    """The requirement lines of a list or a file's path, and the constraint lines of its ``-c``."""
    if isinstance(given, str):
        lines = _lines_of(Path(given))
    else:
        lines = []
        for item in given:
            match = re.match(r"^(?:-r|--requirement)[ =](.+)$", item.strip())
            lines += _lines_of(Path(match.group(1).strip())) if match else [item.strip()]
    requirements: list[str] = []
    constraints: list[str] = []
    for line in lines:
        match = re.match(r"^(?:-c|--constraint)[ =](.+)$", line)
        if match:
            constraints += _lines_of(Path(match.group(1).strip()))
        else:
            requirements.append(line)
    return requirements, constraints


def _lines_of(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidValue(
            f"The requirements file {str(path)!r} cannot be read: {error.strerror}. Give a list of "
            "requirements or the path of an existing file."
        ) from error
    stripped = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def names_mlflow(requirements: Iterable[str]) -> bool:
    """Whether one of the requirements is MLflow's."""
    return any(re.match(r"^mlflow(-skinny)?\s*([\[<>=!~;@ ]|$)", line) for line in requirements)
