"""Which version of a framework is there, and whether an integration knows it."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

_RELEASE: Final = re.compile(r"\s*v?(\d+(?:\.\d+)*)(.*)")
_PRE: Final = re.compile(r"[._-]?(a|b|c|rc|alpha|beta|pre|preview|dev)", re.IGNORECASE)
_BOUND: Final = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\S+)\s*")


def installed_version(module: ModuleType, distribution: str) -> str | None:
    """The version of the framework that was imported, by its own word or its distribution's."""
    version = vars(module).get("__version__")
    if isinstance(version, str):
        return version
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # it has several, such as tensorflow and tensorflow-cpu
        top = module.__name__.partition(".")[0]
        version = vars(sys.modules.get(top, module)).get("__version__")
        if isinstance(version, str):  # else every distribution's files have to be read: slow
            return version
        names = metadata.packages_distributions().get(top)
        return metadata.version(names[0]) if names else None


def is_known(version: str | None, range_: str) -> bool:
    """Whether ``version`` lies in a range such as ``">=1.4,<2"``; pre-releases never do."""
    if not range_:
        return True
    if version is None:
        return False
    release = _release(version)
    if release is None or is_prerelease(version):
        return False
    return all(_holds(release, bound) for bound in range_.split(",") if bound.strip())


def is_prerelease(version: str) -> bool:
    """Whether a version is a development or pre-release."""
    match = _RELEASE.match(version)
    return match is None or _PRE.match(match[2]) is not None


def _holds(release: tuple[int, ...], bound: str) -> bool:
    match = _BOUND.fullmatch(bound)
    limit = _release(match[2]) if match else None
    if match is None or limit is None:
        raise ValueError(f"{bound!r} is no version bound; write it like '>=1.4'.")
    width = max(len(release), len(limit))
    left = release + (0,) * (width - len(release))
    right = limit + (0,) * (width - len(limit))
    return {
        ">=": left >= right,
        "<=": left <= right,
        "==": left == right,
        "!=": left != right,
        ">": left > right,
        "<": left < right,
    }[match[1]]


def _release(version: str) -> tuple[int, ...] | None:
    match = _RELEASE.match(version)
    return tuple(int(part) for part in match[1].split(".")) if match else None
