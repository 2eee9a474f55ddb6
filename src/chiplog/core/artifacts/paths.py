"""Which paths an artifact may have, the same for every store.

An artifact's path is relative, uses ``/``, and equals its own normalised form. Whatever could lead
out of a store's root on any system, also after percent-decoding, is refused.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from chiplog.core.errors import InvalidValue

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_DECODINGS: Final = 4
_MAX_NAME: Final = 255  # bytes; what Linux, macOS and Windows file systems take


def check_path(path: object) -> str:
    """Hand back an artifact path that no store's root is left by; raises InvalidValue otherwise."""
    if not isinstance(path, str):
        raise InvalidValue(
            f"An artifact path must be a string, not {path!r} ({type(path).__name__})."
        )
    problem = _problem(path)
    if problem is None and "%" in path:
        problem = _decoded_problem(path)
    if problem is not None:
        raise InvalidValue(
            f"The artifact path {path!r} {problem}. Give a path relative to the run's artifacts, "
            "such as 'plots/loss.png'."
        )
    return path


def check_directory(path: object) -> str:
    """The same for a directory: None, '' and '.' are the root (handed back as '')."""
    if path is None or path in {"", "."}:
        return ""
    return check_path(path.rstrip("/") or "/") if isinstance(path, str) else check_path(path)


def join(*parts: str | None) -> str:
    """Put the parts of an artifact path together, leaving out what is empty."""
    return "/".join(part for part in parts if part)


def _problem(path: str) -> str | None:
    """What is wrong with the path as it is written."""
    leak = _leak(path)
    if leak is not None:
        return leak
    if not path:
        return "is empty"
    for name in path.split("/"):
        if not name or name == ".":
            return "is not in its shortest form (an empty part or '.')"
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            return "is not valid Unicode"
        if size > _MAX_NAME:
            return f"has a name of {size} bytes; at most {_MAX_NAME} fit into a file system"
    return None


def _leak(path: str) -> str | None:
    """How the path would leave its root on some system, if it would."""
    if "\0" in path:
        return "holds a NUL character"
    if "\\" in path:
        return "holds a backslash; separate folders by '/'"
    if path.startswith("/") or _DRIVE.match(path):
        return "is absolute"
    if ".." in path.split("/"):
        return "leaves its root ('..')"
    return None


def _decoded_problem(path: str) -> str | None:
    """Look through percent-encoding, also a repeated one, for a way out."""
    decoded = path
    for _ in range(_DECODINGS):
        before, decoded = decoded, unquote(decoded)
        leak = _leak(decoded)
        if leak is not None:
            return f"{leak} once it is decoded to {decoded!r}"
        if decoded == before:
            break
    return None
