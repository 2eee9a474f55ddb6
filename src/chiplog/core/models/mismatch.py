"""A word at load when what is installed is not what a model was saved with."""

from __future__ import annotations

import functools
import logging
import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Final

from chiplog.core.models import environment
from chiplog.core.models.distributions import builds_of
from chiplog.core.models.requirements import MLFLOWS, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger("chiplog")
_seen: set[tuple[str, str]] = set()

_PINNED: Final = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.!-]+)$")


def warn_of_mismatch(directory: Path) -> None:
    """Warn once of what is installed in other versions than a model's requirements ask for.

    Python counts by its minor version. Nothing is said if all agrees, or if the model has no
    environment files; models of the same requirements are told of together.
    """
    texts = (_text(directory / environment.PIP), _text(directory / environment.PYTHON))
    if texts in _seen:
        return
    _seen.add(texts)
    found = [*_python(texts[1]), *_distributions(texts[0])]
    if not found:
        return
    width = max(len(name) for name, _ in found)
    lines = "\n".join(f"    {name.ljust(width)}  {said}" for name, said in found)
    _log.warning(
        "The model in %r may not work as it did: what is installed differs from what it was saved "
        "with.\n%s\nAn environment that fits it: chiplog models prepare-env -m %s",
        str(directory),
        lines,
        directory,
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _python(text: str) -> Iterator[tuple[str, str]]:
    match = re.search(r"^python:\s*['\"]?(\d+\.\d+)([\w.]*)", text, re.MULTILINE)
    here = sys.version_info
    if match and match.group(1) != f"{here.major}.{here.minor}":
        saved = match.group(1) + match.group(2)
        yield "Python", f"saved with {saved}, running {here.major}.{here.minor}.{here.micro}"


def _distributions(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        pinned = _PINNED.match(line.strip())
        name = pinned.group(1) if pinned else name_of(line)
        if name is None or name in MLFLOWS:  # chiplog loads the model
            continue
        found = _installed(name)
        if pinned is None:
            yield from _differing(line, found)
        elif found is None:
            yield name, f"saved with {pinned.group(2)}, not installed"
        elif found.partition("+")[0] != pinned.group(2) and not _same(found, pinned.group(2)):
            yield name, f"saved with {pinned.group(2)}, installed {found}"


def _differing(line: str, found: str | None) -> Iterator[tuple[str, str]]:
    """A requirement that is more than one version."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(line.partition(" #")[0].partition(" --")[0])
    except InvalidRequirement:
        return
    if wanted.marker is not None and not wanted.marker.evaluate():
        return
    if found is None:
        yield wanted.name, f"needs {wanted.specifier or 'any version'}, not installed"
    elif not wanted.specifier.contains(found, prereleases=True):
        yield wanted.name, f"needs {wanted.specifier}, installed {found}"


def _same(installed: str, wanted: str) -> bool:
    """Whether two spellings are of one version, such as 1.0 and 1.0.0."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(f"=={wanted}").contains(installed, prereleases=True)
    except InvalidSpecifier:
        return False


@functools.lru_cache(maxsize=1024)
def _installed(name: str) -> str | None:
    """The version of a distribution, or of another build of the same."""
    for one in (name, *builds_of(name)):
        try:
            return metadata.version(one)
        except (metadata.PackageNotFoundError, ValueError):
            continue
    return None
