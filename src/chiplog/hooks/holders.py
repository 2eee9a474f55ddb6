"""Finds the modules that hold certain objects by name, without waking anything up.

``from sklearn.metrics import accuracy_score`` leaves the function in the user's own module, where a
patch of ``sklearn.metrics`` does not reach it.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

OURS = "chiplog"


def find_holders(
    wanted: Mapping[int, object], *, without: Collection[str] = ()
) -> Iterator[tuple[ModuleType, str, Any]]:
    """Every (module, name, object) of the imported modules whose object's id is in ``wanted``.

    Modules of the top-level packages ``without`` are left out, and chiplog's. Reads the modules'
    dictionaries alone: a lazy module stays lazy.
    """
    left_out = {OURS, *without}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in left_out or not issubclass(type(module), ModuleType):
            continue
        scope = _dictionary(module)
        if wanted.keys().isdisjoint(map(id, scope.values())):
            continue
        for attribute, value in list(scope.items()):
            if id(value) in wanted and wanted[id(value)] is value:
                yield module, attribute, value


def _dictionary(module: ModuleType) -> dict[str, Any]:
    try:
        scope = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}
    return scope if type(scope) is dict else {}
