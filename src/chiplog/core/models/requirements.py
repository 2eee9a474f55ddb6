"""What a saved model needs installed: the modules it references, as pinned distributions.

No subprocess and no import: the saved file names its modules, and the installed distributions'
metadata says which one each came from. A module of no distribution is the user's own; what its
source imports is needed as well.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chiplog.core.errors import InvalidValue
from chiplog.core.models.distributions import distribution_of, loaded_parts
from chiplog.core.models.references import in_own_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chiplog.core.models.distributions import Distribution

# MLflow's own tools load the model through their package, and any version 3 reads it. chiplog needs
# no MLflow: in environments that it makes, it takes that line's place.
MLFLOW: Final = "mlflow>=3"
MLFLOWS: Final = frozenset({"mlflow", "mlflow-skinny"})

# What is there wherever chiplog or MLflow loads the model.
_THERE: Final = frozenset({"__mp_main__", "builtins", "chiplog", "mlflow"})


@dataclass
class Needs:
    """What modules need.

    Attributes:
        requirements: a line for each distribution, sorted.
        unknown: top-level modules that no installed distribution holds: the user's own. Of the
            script, ``__main__``, what is referenced in it.
        folders: the distributions that were installed from a folder here.
    """

    requirements: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    folders: list[Distribution] = field(default_factory=list)


def needs_of(modules: Iterable[str]) -> Needs:
    """What these modules need installed, and those that the user's own among them import."""
    found: set[Distribution] = set()
    unknown: set[str] = set()
    seen: set[str] = set()
    files: set[Path] = set()
    queue = list(modules)
    while queue:
        module = queue.pop()
        root = module.partition(".")[0]
        if module in seen or root in _THERE:
            continue
        seen.add(module)
        if module == root and (parts := loaded_parts(root)):
            queue += parts
        elif (distribution := distribution_of(module)) is not None:
            found.add(distribution)
        elif root not in sys.stdlib_module_names:
            is_main = root == "__main__"
            unknown.add(module if is_main else root)
            queue += () if is_main else in_own_module(module, files)
    return Needs(
        sorted({one.requirement for one in found}, key=str.lower),
        sorted(unknown),
        sorted(one for one in found if one.folder is not None),
    )


def given_requirements(given: str | Path | Sequence[str]) -> tuple[list[str], list[str]]:
    """The requirement lines of a list or a file's path, and the constraint lines of its ``-c``.

    Files that ``-r`` and ``-c`` name are read, those in a file from that file's folder.
    """
    if isinstance(given, (str, Path)):
        lines = _lines_of(Path(given))
    else:
        lines = [(item.strip(), Path()) for item in given]
    requirements: list[str] = []
    constraints: list[str] = []
    while lines:
        line, folder = lines.pop(0)
        if match := re.match(r"^(?:-r|--requirement)[ =]?(.+)$", line):
            lines = _lines_of(folder / match.group(1).strip()) + lines
        elif match := re.match(r"^(?:-c|--constraint)[ =]?(.+)$", line):
            constraints += [text for text, _ in _lines_of(folder / match.group(1).strip())]
        elif line:
            requirements.append(line)
    return requirements, constraints


def _lines_of(path: Path) -> list[tuple[str, Path]]:
    """The lines of a requirements file without comments, each with the folder it speaks of."""
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidValue(
            f"The requirements file {str(path)!r} cannot be read: {error.strerror}. Give a list of "
            "requirements or the path of an existing file."
        ) from error
    joined = re.sub(r"\\\n", "", text)  # a line may go on in the next
    stripped = (line.partition(" #")[0].strip() for line in joined.splitlines())
    return [(line, path.parent) for line in stripped if line and not line.startswith("#")]


def names_mlflow(requirements: Iterable[str]) -> bool:
    """Whether one of the requirements is MLflow's."""
    return any(map(is_mlflow, requirements))


def is_mlflow(line: str) -> bool:
    """Whether a requirement is MLflow's."""
    return name_of(line) in MLFLOWS


def name_of(line: str) -> str | None:
    """The normalised name of the distribution that a requirement line asks for, if it names one."""
    match = re.match(r"^([A-Za-z0-9][\w.-]*)\s*([\[<>=!~;@(,]|$)", line.strip())
    return re.sub(r"[-_.]+", "-", match.group(1)).lower() if match else None
