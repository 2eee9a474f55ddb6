"""A plugin's distribution, made from the template beside this file."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from chiplog.core.errors import AlreadyExists, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

_SUFFIX = ".in"


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    Attributes:
        name: the plugin's name, as in ``chiplog.<name>``.
        with_flavor: whether it saves and loads models too.
    """

    name: str
    with_flavor: bool = True

    @property
    def distribution(self) -> str:
        """What is published."""
        return f"chiplog-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """What is imported."""
        return f"chiplog_{self.name}"

    @property
    def words(self) -> dict[str, str]:
        """What the template's words stand for."""
        camel = "".join(part.title() for part in self.name.split("_"))
        return {
            "name": self.name,
            "distribution": self.distribution,
            "package": self.package,
            "Class": camel,
        }


def plan(name: str, *, with_flavor: bool) -> Plan:
    """Check a name and make a plan of it; raises InvalidValue if the name will not do."""
    plain = re.sub(r"^chiplog[-_.]", "", name).replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", plain) or keyword.iskeyword(plain):
        raise InvalidValue(
            f"{name!r} cannot be a plugin's name: users write chiplog.<name>, so it is lower-case "
            "letters and digits, with - or _ between words, such as catboost or my-framework."
        )
    taken = _taken(plain)
    if taken:
        raise InvalidValue(
            f"The name {plain!r} is taken: {taken}. Choose another one, such as {plain}_plus."
        )
    return Plan(plain, with_flavor)


def write(plan: Plan, directory: Path) -> list[Path]:
    """Write the distribution's files into a new directory; hands back their paths.

    Raises AlreadyExists if the directory is there and not empty: nothing is overwritten.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise AlreadyExists(
            f"{str(directory)!r} is there already, and nothing in it is overwritten; give another "
            "place with --directory, or remove it."
        )
    written = []
    for path, text in _rendered(plan):
        target = directory.joinpath(*path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        written.append(target)
    return sorted(written)


def _rendered(plan: Plan) -> Iterator[tuple[list[str], str]]:
    for path, source in _walk(files("chiplog.cli.plugins") / "template"):
        name = path[-1].removesuffix(_SUFFIX)
        if "flavor" in name and not plan.with_flavor:
            continue
        parts = [plan.package if part == "package" else part for part in path[:-1]]
        text = "".join(_chosen(source.read_text(encoding="utf-8"), with_flavor=plan.with_flavor))
        yield (
            [*parts, ".gitignore" if name == "gitignore" else name],
            Template(text).substitute(plan.words),
        )


def _walk(
    folder: Traversable, above: tuple[str, ...] = ()
) -> Iterator[tuple[list[str], Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, (*above, entry.name))
        elif entry.name.endswith(_SUFFIX):
            yield [*above, entry.name], entry


def _chosen(text: str, *, with_flavor: bool) -> Iterator[str]:
    """The lines of a template: of those between %flavor, %plain and %end, the ones that apply."""
    applies = True
    for line in text.splitlines(keepends=True):
        mark = line.strip()
        if mark == "%flavor":
            applies = with_flavor
        elif mark == "%plain":
            applies = not with_flavor
        elif mark == "%end":
            applies = True
        elif applies:
            yield line


def _taken(name: str) -> str | None:
    """Why ``chiplog.<name>`` is something else already, or None."""
    from importlib.util import find_spec

    from chiplog.hooks.manager import plugins

    for info in plugins().infos:
        if info.name == name:
            return f"it is a plugin of {info.distribution} {info.version}"
    spec = find_spec(f"chiplog.{name}")
    if spec is not None:
        return f"chiplog.{name} is a module of chiplog's"
    return None
