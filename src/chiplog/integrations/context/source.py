"""Who runs what: the user, and the script, notebook or console."""

from __future__ import annotations

import getpass
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from chiplog.core.tags import SOURCE_NAME, SOURCE_TYPE, USER

_CONSOLE = "<console>"


def tags() -> dict[str, str]:
    """The user and the source."""
    notebook = _notebook()
    if notebook is not None:
        return {USER: _user(), SOURCE_NAME: notebook, SOURCE_TYPE: "NOTEBOOK"}
    argument = sys.argv[0] if getattr(sys, "argv", None) else ""
    return {USER: _user(), SOURCE_NAME: argument or _CONSOLE, SOURCE_TYPE: "LOCAL"}


def script() -> Path | None:
    """The file of the program, if it is one."""
    argument = sys.argv[0] if getattr(sys, "argv", None) else ""
    if not argument or _shell() is not None:
        return None
    path = Path(argument)
    try:
        return path.absolute() if path.is_file() else None
    except (OSError, ValueError):
        return None


@cache
def _user() -> str:
    """The user's name; looked up once, since it may come from a directory over the network."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user id without a name, as in containers
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _notebook() -> str | None:
    """What a Jupyter kernel says its notebook is called; None outside of one."""
    shell = _shell()
    if shell is None:
        return None
    names = getattr(shell, "user_ns", {})
    for found in (names.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if found:
            return str(found)
    return "notebook"


def _shell() -> Any:
    """The IPython shell of a Jupyter kernel; None in a terminal or a plain program."""
    ipython = sys.modules.get("IPython")
    if ipython is None or "ipykernel" not in sys.modules:
        return None
    shell = ipython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None
