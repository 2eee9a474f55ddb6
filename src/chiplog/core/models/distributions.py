"""Which installed distribution a module came from, by what the distributions say of themselves.

A distribution is named as others can install it: ``torch 2.13.0+cpu`` as ``torch==2.13.0``, since
the build is a matter of the machine; one installed from version control as
``name @ git+https://…@<commit>``; one installed from a folder here by its version.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from chiplog.core.models.references import is_site, place_of

_NO_DISTRIBUTION: Final = frozenset({"__main__", "__mp_main__", "builtins", "chiplog", "mlflow"})

# Distributions whose name differs from that of their module. Asking for them by name spares a
# search through what every distribution says it installed.
_KNOWN: Final = {
    "Crypto": ("pycryptodome",),
    "PIL": ("pillow", "pillow-simd"),
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "cv2": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "dateutil": ("python-dateutil",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "git": ("GitPython",),
    "jwt": ("PyJWT",),
    "pkg_resources": ("setuptools",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos"),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "yaml": ("PyYAML",),
}


class Distribution(NamedTuple):
    """An installed distribution.

    Attributes:
        url: where others can install just this one from, if that is no index.
        folder: the folder of this machine that it was installed from, if it was.
    """

    name: str
    version: str
    url: str | None = None
    folder: Path | None = None

    @property
    def requirement(self) -> str:
        """The line of a requirements file that asks for it."""
        if self.url is not None:
            return f"{self.name} @ {self.url}"
        return f"{self.name}=={self.version.partition('+')[0]}"


def distribution_of(module: str) -> Distribution | None:
    """The distribution that a module came from, if any.

    The full, dotted name tells of a package that several distributions share, such as ``google``.
    """
    root = module.partition(".")[0]
    if root in _NO_DISTRIBUTION or root in sys.stdlib_module_names:
        return None
    return _search(module if _is_namespace(root) else root)


@functools.lru_cache(maxsize=1024)
def _search(module: str) -> Distribution | None:
    root = module.partition(".")[0]
    place = place_of(root)
    if place is None or is_site(place.parent):
        for name in () if _is_namespace(root) else _KNOWN.get(root, (root,)):
            found = installed(name)
            if found is not None:
                return found
        return _recorded(module, place)
    return _from_folder(root, place)


def _is_namespace(root: str) -> bool:
    """Whether a package is one that distributions put their parts into, and nobody's own."""
    module = sys.modules.get(root)
    return hasattr(module, "__path__") and getattr(module, "__file__", None) is None


def loaded_parts(root: str) -> set[str]:
    """Of a package that distributions share, the parts that are loaded."""
    if not _is_namespace(root):
        return set()
    names = [name.split(".") for name in list(sys.modules) if name.startswith(f"{root}.")]
    return {".".join(parts[:2]) for parts in names}


def builds_of(name: str) -> tuple[str, ...]:
    """The names under which the same package comes in other builds."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    return next((names for names in _KNOWN.values() if plain in names), ())


@functools.lru_cache(maxsize=1024)
def installed(name: str) -> Distribution | None:
    """The installed distribution of that name."""
    try:
        found = metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None
    return _described(found)


def _described(found: metadata.Distribution) -> Distribution:
    about = found.metadata
    url, folder = _origin(found)
    return Distribution(str(about["Name"]), str(about["Version"]), url, folder)


def _origin(found: metadata.Distribution) -> tuple[str | None, Path | None]:
    """The URL that others can install from, and the folder of this machine, of those it is from."""
    text = found.read_text("direct_url.json")
    if not text:
        return None, None
    said: dict[str, Any] = json.loads(text)
    parts = urlsplit(str(said.get("url", "")))
    if parts.scheme == "file":
        is_folder = "dir_info" in said
        return None, Path(unquote(parts.path)) if is_folder else None
    host = parts.netloc.rpartition("@")[2]  # who may read it is not said
    url = urlunsplit(parts._replace(netloc=host))
    version_control = said.get("vcs_info")
    if version_control:
        return f"{version_control['vcs']}+{url}@{version_control['commit_id']}", None
    return url, None


def _recorded(module: str, place: Path | None) -> Distribution | None:
    """The distribution whose list of installed files has the module, by its longest known name."""
    if place is None:
        return None
    parts = module.split(".")
    for count in range(len(parts), min(len(parts), 2) - 1, -1):  # never by a shared root alone
        start = re.escape("/".join(parts[:count]))
        line = re.compile(rf"^{start}(/|\.py|\.[\w-]+\.(so|pyd))", re.MULTILINE)
        for found in metadata.distributions(path=[str(place.parent)]):
            files = found.read_text("RECORD") or found.read_text("installed-files.txt") or ""
            if line.search(files):
                return _described(found)
    return None


def _from_folder(root: str, place: Path) -> Distribution | None:
    """The distribution that a module outside of any site is of, being installed as editable."""
    for found, modules in _editable():
        if found.folder is not None and place.is_relative_to(found.folder) and root in modules:
            return found
    return None


@functools.cache
def _editable() -> list[tuple[Distribution, set[str]]]:
    """The distributions installed from folders, and the modules that each says it has."""
    installed_so = []
    for found in metadata.distributions():
        if found.read_text("direct_url.json"):
            one = _described(found)
            named = (found.read_text("top_level.txt") or "").split()
            installed_so.append((one, {re.sub(r"[-.]+", "_", one.name), one.name, *named}))
    return installed_so
